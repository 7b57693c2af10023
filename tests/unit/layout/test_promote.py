"""A result enters a job's folder whole, by one rename, or not at all; done/ never shows half of one."""

from __future__ import annotations

import errno
import itertools
import shutil
import subprocess
from pathlib import Path

import pytest

from layout import lifecycle, tree
from layout.disk import LineFault
from layout.promote import Mangled, PathGone, promote, started_by, verify
from layout.tree import Place
from tests.support.baddisk import Crash, Fault, at
from tests.support.crew import LEGS, World


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_result_arrives_as_it_was_made(world: World) -> None:
    """Every file and folder, and a checksums.sha256 that names the start and that sha256sum accepts."""
    place = world.held()
    source = world.result(place)
    promote(world.atlas, place, source, tree.OUTPUT)
    output = place.path / tree.OUTPUT
    expected = contents(source)
    assert {
        name: data for name, data in contents(output).items() if name != tree.CHECKSUMS
    } == expected
    assert started_by(world.atlas.disk, output) == place.path.name
    assert verify(world.atlas.disk, output)
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", tree.CHECKSUMS],
        cwd=output,
        capture_output=True,
        text=True,
        check=True,
    )
    assert checked.stdout.count(": OK") == len(expected)
    assert list(world.atlas.staging.iterdir()) == []


def test_a_promotion_tells_how_far_it_is(world: World) -> None:
    """After each file that is written and each that is read back; whole only at the end."""
    place, shares = world.held(), list[float]()
    promote(world.atlas, place, world.result(place), tree.OUTPUT, say=shares.append)
    assert shares == sorted(shares) and len(shares) > 2
    assert shares[-1] == 1.0 > shares[0] > 0


def test_mangled_bytes_never_enter(world: World) -> None:
    """A disk that corrupts any one file on its way is found out by reading back; the next try goes through."""
    for number in itertools.count(1):
        place = world.held()
        atlas = world.mounted(at(number, Fault("mangle")))
        try:
            promote(atlas, place, world.result(place), tree.OUTPUT)
            break
        except Mangled:
            assert not (place.path / tree.OUTPUT).exists()
        promote(atlas, place, world.result(place), tree.OUTPUT)
        assert verify(world.atlas.disk, place.path / tree.OUTPUT)
    assert number == 4  # two files and their checksums were mangled in turn


@pytest.mark.parametrize("kind", ["cancelled", "seized", "deleted"])
def test_a_path_that_goes_at_any_moment_ends_the_promotion(kind: str, tmp_path: Path) -> None:
    """PathGone, and nothing of the result stands anywhere but in staging/, whoever took the folder away."""
    for number in itertools.count(1):
        world = World(tmp_path / f"atlas-{number}")
        place = world.held()

        def take(world: World = world, place: Place = place) -> None:
            if kind == "cancelled":
                lifecycle.cancel(world.atlas, place)
            elif kind == "seized":
                lifecycle.seize(world.atlas, place, "host-intake-aaaa")
            else:
                shutil.rmtree(place.path)

        atlas = world.mounted(at(number, Fault("meanwhile", act=take)))
        try:
            promote(atlas, place, world.result(place), tree.OUTPUT)
        except PathGone:
            assert [
                path for path in world.root.rglob(tree.OUTPUT) if ".pipeline" not in path.parts
            ] == []
            assert not place.path.exists()
            continue
        if not place.path.exists():  # taken after the instant
            assert kind == "deleted" or all(
                verify(world.atlas.disk, path) for path in world.root.rglob(tree.OUTPUT)
            )
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            break
    assert number > 8


def test_what_an_earlier_promotion_left_in_staging_is_no_part_of_the_next(world: World) -> None:
    """Half a promotion of a dead process goes to trash/, whole."""
    place = world.held()
    staged = world.atlas.staged(place)
    staged.mkdir()
    (staged / "leftover.glb").write_text("half")
    promote(world.atlas, place, world.result(place), tree.OUTPUT)
    assert not (place.path / tree.OUTPUT / "leftover.glb").exists()
    assert [path.name for path in world.atlas.trash.rglob("leftover.glb")] == ["leftover.glb"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT, errno.EEXIST], ids=errno.errorcode.get)
@pytest.mark.parametrize("target", [tree.OUTPUT, f"{tree.WORK}/{LEGS[0]}"])
def test_a_lost_reply_at_any_call_ends_in_one_whole_result(
    number: int, target: str, tmp_path: Path
) -> None:
    """Performed but reported as an error, at each call in turn: tried again, the result stands once and whole."""
    for call in itertools.count(1):
        world = World(tmp_path / f"atlas-{call}")
        place = world.held()
        atlas = world.mounted(at(call, Fault("lost", number)))
        for _ in range(2):
            try:
                promote(atlas, place, world.result(place), target)
                break
            except (LineFault, FileExistsError):
                continue
        assert verify(world.atlas.disk, place.path / target)
        assert started_by(world.atlas.disk, place.path / target) == place.path.name
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.ESTALE], ids=errno.errorcode.get
)
def test_a_full_disk_leaves_the_job_as_it_was(number: int, tmp_path: Path) -> None:
    """ENOSPC at any call is a fault of the line: no output/, and with space again the same promotion passes."""
    for call in itertools.count(1):
        world = World(tmp_path / f"atlas-{call}")
        place = world.held()
        before = contents(place.path)
        atlas = world.mounted(at(call, Fault("fail", number)))
        try:
            promote(atlas, place, world.result(place), tree.OUTPUT)
            assert not atlas.disk.hit  # type: ignore[attr-defined]
            return
        except LineFault:
            assert contents(place.path) == before
        promote(atlas, place, world.result(place), tree.OUTPUT)
        assert verify(world.atlas.disk, place.path / tree.OUTPUT)


def test_a_crash_at_any_call_shows_no_half_result(tmp_path: Path) -> None:
    """After a crash output/ is either absent or whole."""
    for call in itertools.count(1):
        world = World(tmp_path / f"atlas-{call}")
        place = world.held()
        atlas = world.mounted(at(call, Fault("crash")))
        try:
            promote(atlas, place, world.result(place), tree.OUTPUT)
            return
        except Crash:
            output = place.path / tree.OUTPUT
            assert not output.exists() or verify(world.atlas.disk, output)


def test_a_second_promotion_of_the_same_start_changes_nothing(world: World) -> None:
    """The first one stands; the second is dropped."""
    place = world.held()
    promote(world.atlas, place, world.result(place), tree.OUTPUT)
    before = (place.path / tree.OUTPUT).stat().st_ino
    promote(world.atlas, place, world.result(place), tree.OUTPUT)
    assert (place.path / tree.OUTPUT).stat().st_ino == before
    assert list(world.atlas.staging.iterdir()) == []


def test_the_leftover_of_another_start_makes_way(world: World) -> None:
    """An output/ that this start did not make, or that does not verify, goes to trash/."""
    place = world.held()
    (place.path / tree.OUTPUT).mkdir()
    (place.path / tree.OUTPUT / "old.glb").write_text("old")
    promote(world.atlas, place, world.result(place), tree.OUTPUT)
    assert not (place.path / tree.OUTPUT / "old.glb").exists()
    assert verify(world.atlas.disk, place.path / tree.OUTPUT)


def test_nothing_is_no_result(world: World) -> None:
    """A scratch that lost its files promotes nothing: an empty output/ would verify."""
    place = world.held()
    empty = world.result(place)
    shutil.rmtree(empty)
    with pytest.raises(ValueError, match="holds no file"):
        promote(world.atlas, place, empty, tree.OUTPUT)
    assert not (place.path / tree.OUTPUT).exists()


@pytest.mark.parametrize(
    "harm",
    [
        "a file is missing",
        "a file was changed",
        "the list was cut off",
        "there is no list",
        "the list names nobody",
    ],
)
def test_a_harmed_result_does_not_verify(harm: str, world: World) -> None:
    """Bit rot, a torn list or a person's hand: it is not taken for whole."""
    place = world.with_result()
    output = place.path / tree.OUTPUT
    listing = output / tree.CHECKSUMS
    if harm == "a file is missing":
        (output / "model.glb").unlink()
    elif harm == "a file was changed":
        (output / "model.glb").write_text("another")
    elif harm == "the list was cut off":
        listing.write_text("\n".join(listing.read_text().splitlines()[:3]) + "\n")
    elif harm == "there is no list":
        listing.unlink()
    else:
        listing.write_text("\n".join(listing.read_text().splitlines()[1:]) + "\n")
    assert not verify(world.atlas.disk, output)


def test_a_file_of_a_file_manager_beside_the_result_does_not_matter(world: World) -> None:
    """Finder and Explorer leave their own files wherever a person looks."""
    place = world.with_result()
    (place.path / tree.OUTPUT / ".DS_Store").write_bytes(b"\x00")
    assert verify(world.atlas.disk, place.path / tree.OUTPUT)
