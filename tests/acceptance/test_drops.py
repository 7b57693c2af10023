"""Drops as people make them: slowly, badly, twice. Each ends as docs/lifecycle.md says, in words a person understands."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout.tree import State
from tests.support.drops import scan_folder, small_scan, stl_file
from tests.support.live import House, eventually, house, sums

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A tree with a running ``up`` for all of these drops, which bear other names; a truncated file is refused after 3 seconds."""
    with house(tmp_path_factory.mktemp("busy"), {"INBOX3D_INTAKE__PATIENCE": "3"}) as one:
        one.up()
        eventually(lambda: len(one.worker_pids()) == 1 or None, 60, "a worker")
        yield one


def status(house: House) -> str:
    return house.atlas.status_file.read_text() if house.atlas.status_file.exists() else ""


def says(house: House, words: str, seconds: float = 20) -> None:
    eventually(
        lambda: words in status(house) or None,
        seconds,
        f"STATUS.txt saying {words!r}, it says: {status(house)}",
    )


def failure(house: House, name: str, seconds: float = 60) -> str:
    place, _ = house.ended(name, seconds)
    assert place.state is State.FAILED
    return (place.path / "error.txt").read_text()


def test_a_folder_copied_in_slowly_becomes_one_job_with_all_its_files(
    busy: House, tmp_path: Path
) -> None:
    """Pauses below the quiet window never split a drop."""
    source = scan_folder(tmp_path / "source", points=2000)
    target = busy.atlas.inbox / "slow"
    target.mkdir()
    for path in sorted(source.iterdir()):
        shutil.copy(path, target)
        threading.Event().wait(0.7)
    place, job = busy.ended("slow", 120)
    assert place.state is State.DONE
    assert sums(place.path / "input/slow") == sums(source)
    assert job.evidence == "quiet"
    assert [start.n for start in job.starts] == [1]


def test_a_file_at_full_size_from_the_first_second_is_not_taken_while_it_grows(
    busy: House, tmp_path: Path
) -> None:
    """Explorer makes room first and writes for a minute; ctime shows it."""
    whole = stl_file(tmp_path / "whole.stl").read_bytes()
    target = busy.atlas.inbox / "explorer.stl"
    with target.open("wb") as file:
        file.truncate(len(whole))
        for piece in range(0, len(whole), 24):
            file.seek(piece)
            file.write(whole[piece : piece + 24])
            file.flush()
            threading.Event().wait(0.6)
            assert busy.where("explorer.stl") is None
    place, _ = busy.ended("explorer.stl", 60)
    assert place.state is State.DONE
    assert (place.path / "input/explorer.stl").read_bytes() == whole


def test_bad_drops_end_with_words_a_person_understands(busy: House, tmp_path: Path) -> None:
    """Truncated, empty, cats, links, long names, reserved names: all at once, none disturbs another."""
    inbox, source = busy.atlas.inbox, scan_folder(tmp_path / "source")
    cut = inbox / "cut"
    shutil.copytree(source, cut)
    with (cut / "pass_1.ply").open("r+b") as file:
        file.truncate(20_000)
    (inbox / "empty").mkdir()
    (inbox / "cats").mkdir()
    for number in range(3):
        (inbox / "cats" / f"pass_{number}.ply").write_bytes(
            b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\0" * 400 + b"\xff\xd9"
        )
    (inbox / "thief").mkdir()
    (inbox / "thief" / "pass.ply").symlink_to("/etc/passwd")
    long_name = "ÄÖÜ žluťoučký kůň 模型 " * 7
    long_name = long_name[:200].strip()
    while len(long_name.encode()) > 250:
        long_name = long_name[:-1].strip()
    stl_file(tmp_path / "one.stl")
    for name in (long_name, "CON"):
        (inbox / name).mkdir()
        shutil.copy(tmp_path / "one.stl", inbox / name / "part.stl")

    says(busy, "empty: the folder holds nothing")
    assert "pass_1.ply" in failure(busy, "cut")
    assert "cut off" in failure(busy, "cut")
    assert "pass_0.ply is a JPEG image" in failure(busy, "cats")
    assert "pass.ply is a symbolic link" in failure(busy, "thief")
    assert (
        (busy.where("thief") or pytest.fail("no thief"))
        .path.joinpath("input/thief/pass.ply")
        .is_symlink()
    )
    for name in (long_name, "CON"):
        place, job = busy.ended(name, 60)
        assert place.state is State.DONE, status(busy)
        assert job.source.name == name
        assert len(place.path.name.encode()) < 143
        assert not place.path.name.startswith("con-")
    assert (inbox / "empty").is_dir()
    says(busy, "Failed lately")
    says(busy, "pass_0.ply is a JPEG image")


def test_a_second_drop_of_the_same_name_is_held_while_the_first_runs_and_then_is_a_new_job(
    busy: House, tmp_path: Path
) -> None:
    """It may be the rest of a broken upload; STATUS.txt says what to do."""
    source = small_scan(tmp_path / "source")
    shutil.copytree(source, busy.atlas.inbox / "vase")
    first = eventually(lambda: busy.where("vase"), 30, "the first vase being claimed")
    shutil.copytree(source, busy.atlas.inbox / "vase")
    says(busy, f"vase: held: {first.id} has the same name")

    def vases() -> set[str]:
        return {place.id for place in busy.places(State.DONE) if place.id.startswith("vase-")}

    eventually(lambda: len(vases()) == 2 or None, 180, "both vases")


def test_a_failed_job_dragged_back_to_inbox_runs_again_with_its_history(
    busy: House, tmp_path: Path
) -> None:
    """The mouse is the API: the earlier run is kept in earlier/, job.toml beside error.txt outranks what was asked before."""
    inbox = busy.atlas.inbox
    (inbox / "part").mkdir()
    (inbox / "part" / "part.stl").write_bytes(b"solid nothing\nendsolid nothing\n")
    place, _ = busy.ended("part", 60)
    assert place.state is State.FAILED
    stl_file(place.path / "input/part/part.stl")
    (place.path / "job.toml").write_text('kind = "convert"\noutput_format = ["stl"]\n')
    place.path.rename(inbox / place.id)
    again = eventually(
        lambda: (found := busy.find(place.id)) and found.state is State.DONE and found,
        60,
        "the retry",
    )
    assert (again.path / "output/model.stl").is_file()
    assert list((again.path / "earlier").rglob("error.txt"))
    assert not (again.path / "error.txt").exists()


def test_halt_stops_claiming_and_says_so(busy: House, tmp_path: Path) -> None:
    """Drops wait in inbox/ while it exists."""
    (busy.atlas.inbox / "HALT").touch()
    says(busy, "HALTED")
    stl_file(busy.atlas.inbox / "later.stl")
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        assert busy.where("later.stl") is None
        threading.Event().wait(0.1)
    (busy.atlas.inbox / "HALT").unlink()
    assert busy.ended("later.stl", 60)[0].state is State.DONE
