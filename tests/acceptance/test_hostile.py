"""Real processes among hostile entries and on a full scratch: what can be done is done, and all else is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layout import removal
from layout.manifest import Outcome, read_job
from layout.tree import State
from tests.conftest import find_program, missing
from tests.support.drops import stl_file
from tests.support.hostile import deep, immutable, need_root, small_disk
from tests.support.live import House, eventually, house

pytestmark = pytest.mark.slow
LESS = "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown"


def stranger(path: Path, folder: int, file: int) -> None:
    """PATH, a drop folder, belongs to another user, with these permissions."""
    path.mkdir()
    stl_file(path / "box.stl", 1)
    for each, mode in ((path / "box.stl", file), (path, folder)):
        os.chown(each, 1500, 1500)
        each.chmod(mode)


def hostile(inbox: Path) -> dict[str, str]:
    """Ten entries that no intake can make a job of, and for each a word of what STATUS.txt or error.txt says of it."""
    deep(inbox / "looped", 1000)
    deep(inbox / "lengthy", 30, "n" * 200)
    os.mkfifo(inbox / "pipe.stl")
    (inbox / "piped").mkdir()
    os.mkfifo(inbox / "piped" / "pass.ply")
    stranger(inbox / "unmovable", 0o755, 0o644)
    stranger(inbox / "closed", 0o700, 0o600)
    stranger(inbox / "unreadable", 0o777, 0o600)
    long = "l" * 251 + ".stl"
    (inbox / long).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    Path(os.fsdecode(os.fsencode(inbox) + b"/odd-\xff.stl")).write_bytes(b"solid x\nendsolid x\n")
    (inbox / "rooted").mkdir()
    stl_file(inbox / "rooted" / "box.stl", 2)
    return {
        "looped": "more than 100 deep", "lengthy": "more than 1000 bytes", "pipe.stl": "a named pipe", "pass.ply": "a named pipe",
        "unmovable": "give the group write permission on the folder: it must be moved", "closed": "cannot be read",
        "unreadable": "give the group read permission", long: "PNG", "odd-\\xff.stl": "not UTF-8", "rooted": "immutable",
    }  # fmt: skip


def closed_to_workers(home: House) -> dict[str, str]:
    """Two jobs that an intake with more rights accepted; the worker can read the file of one and enter the folder of the other no more."""
    for name in ("held/unread.stl", "shut/passes/box.stl"):
        path = home.atlas.inbox / name
        path.parent.mkdir(parents=True)
        stl_file(path, len(name))
        (home.atlas.inbox / Path(name).parts[0] / "READY").touch()
    first = home.up("--queues", "scan", name="first")
    eventually(
        lambda: len(home.places(State.CLAIMED)) == 2 or None, 60, f"both accepted ({home.tail()})"
    )
    first.terminate()
    first.wait(60)
    for place in home.places(State.CLAIMED):
        for path in [*place.path.rglob("unread.stl"), *place.path.rglob("passes")]:
            os.chown(path, 1500, 1500)
            path.chmod(0o600)
    return {
        "unread.stl": "cannot be read",
        "passes": "give the group the right to enter and read it",
    }


@pytest.mark.timeout(400)
def test_of_thirty_entries_ten_hostile_ones_are_named_and_the_others_are_done(
    tmp_path: Path,
) -> None:
    """A fleet that may not read or move everything, nor all that an earlier one accepted. No process of it ever ends."""
    need_root()
    setpriv = find_program("setpriv") or missing(
        "the program setpriv", "run deploy/system-packages.sh test"
    )
    with house(tmp_path, {"INBOX3D_INTAKE__PATIENCE": "3"}) as home:
        inbox = home.atlas.inbox
        expected = closed_to_workers(home) | hostile(inbox)
        for number in range(20):
            stl_file(inbox / f"part {number}.stl", number)
        try:
            with immutable(inbox / "rooted"):
                home.up("--queues", "finish", prefix=(str(setpriv), LESS))
                eventually(
                    lambda: len(home.places(State.DONE)) == 20 or None,
                    300,
                    f"twenty jobs done ({home.tail()})",
                )

                def unnamed() -> dict[str, str]:
                    pages = [path.read_text() for path in home.atlas.failed.glob("*/error.txt")]
                    told = [*home.atlas.status_file.read_text().splitlines(), *pages]
                    return {
                        name: why
                        for name, why in expected.items()
                        if not any(name in text and why in text for text in told)
                    }

                eventually(lambda: not unnamed() or None, 30, f"all twelve named: {unnamed()}")
            assert "process.ended" not in home.log.read_text()
        finally:
            for path in [*inbox.iterdir(), *home.atlas.failed.iterdir()]:
                removal.remove(path)


@pytest.mark.timeout(400)
def test_a_full_scratch_holds_jobs_back_until_there_is_room(tmp_path: Path) -> None:
    """Five meshes on a scratch that is too small for any of them: no job fails; on a larger one all are done and no crash was counted."""
    import trimesh

    with house(tmp_path) as home, small_disk(home.scratch, "6m") as resize:
        for number in range(5):
            drop = home.atlas.drafts.parent / f"big{number}"
            drop.mkdir()
            trimesh.creation.icosphere(subdivisions=6, radius=10).export(drop / "big.stl")
            (drop / "READY").touch()
            drop.rename(home.atlas.inbox / drop.name)
        home.up("--queues", "finish")
        says = "all of it on this host is 6.3 MB"

        def named() -> bool | None:
            return (
                home.atlas.status_file.is_file()
                and home.atlas.status_file.read_text().count(says) == 5
            ) or None

        eventually(named, 120, f"five jobs named ({home.tail()})")
        assert not home.places(State.FAILED)
        assert any(says in beat.message for beat in home.heartbeats())
        resize("300m")
        eventually(
            lambda: len(home.places(State.DONE)) == 5 or None,
            240,
            f"five jobs done ({home.tail()})",
        )
        assert not home.places(State.FAILED)
        for place in home.places(State.DONE):
            job = read_job(home.atlas.disk, place.path)
            assert job is not None
            assert all(
                start.outcome is Outcome.LACKING and "Scratch is full" in (start.noted or "")
                for start in job.starts[:-1]
            )
        assert "process.ended" not in home.log.read_text()
