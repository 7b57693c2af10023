"""The intake's looks at inbox/: what it reads of a drop on the way from arriving to a job."""

from __future__ import annotations

import builtins
import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layout.disk import Disk, Entry
from layout.tree import State
from pipeline.submission.submit import submit_path
from tests.support.drops import scan_folder, stl_file
from tests.support.fleet import Fleet, Seam


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    one = Fleet(tmp_path)
    yield one
    one.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was opened, by its name alone: by whatever way, in this process."""
    count: Counter[str] = Counter()

    def counting(ours: Callable[..., Any]) -> Callable[..., Any]:
        def opens(path: Any, *rest: Any, **more: Any) -> Any:
            if isinstance(path, str | os.PathLike):
                count[Path(path).name] += 1
            return ours(path, *rest, **more)

        return opens

    monkeypatch.setattr(os, "open", counting(os.open))
    monkeypatch.setattr(builtins, "open", counting(open))
    monkeypatch.setattr("io.open", counting(open))
    return count


@pytest.mark.parametrize("marked", [False, True], ids=["quiet", "said to be complete"])
def test_each_file_of_a_drop_is_opened_once_until_it_is_a_job(
    fleet: Fleet, opened: Counter[str], marked: bool
) -> None:
    """One look for what it is, that it is whole and what kind of job it makes; its job.toml likewise."""
    drop = scan_folder(fleet.atlas.inbox / "vase", points=200)
    (drop / "job.toml").write_text('kind = "scan"\n')
    (drop / "notes.txt").write_text("from the attic")
    if marked:
        (drop / "READY").touch()
    names = {path.name for path in drop.iterdir()} - {"READY"}
    opened.clear()
    place = fleet.taken()
    assert {name: opened[name] for name in names} == dict.fromkeys(names, 1)
    assert place.queue == "scan"


@pytest.mark.parametrize("name", ["prompt.txt", "part.stl"])
def test_a_drop_that_is_one_file_is_opened_once(
    fleet: Fleet, opened: Counter[str], name: str
) -> None:
    if name == "part.stl":
        stl_file(fleet.atlas.inbox / name)
    else:
        (fleet.atlas.inbox / name).write_text("a red cube")
    opened.clear()
    fleet.taken()
    assert opened[name] == 1


def test_each_file_of_a_sealed_submission_is_opened_once(
    fleet: Fleet, opened: Counter[str], tmp_path: Path
) -> None:
    """What a command or the API hands in: the kind may be left to the intake."""
    source = scan_folder(tmp_path / "vase", points=200)
    submit_path(fleet.atlas, source, {})
    opened.clear()
    fleet.taken()
    names = [path.name for path in source.iterdir()]
    assert {name: opened[name] for name in names} == dict.fromkeys(names, 1)


def test_what_changed_after_it_was_read_is_read_again(fleet: Fleet, opened: Counter[str]) -> None:
    """What is known of a file is known of these very bytes: its size and its times."""
    drop = scan_folder(fleet.atlas.inbox / "vase", points=200)
    fleet.intake.step()
    fleet.intake.step()
    (drop / "pass_1.ply").write_bytes((drop / "pass_0.ply").read_bytes())
    opened.clear()
    fleet.taken()
    assert (opened["pass_0.ply"], opened["pass_1.ply"]) == (0, 1)


@pytest.mark.parametrize("refused", [True, False], ids=["refused", "one name short"])
def test_a_listing_that_failed_once_is_made_again_at_the_next_look(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    """Its names had been remembered before: nothing in inbox/ was looked at, or told, for thirty looks."""
    disk = fleet.intake.atlas.disk
    fleet.intake.step()
    (fleet.atlas.inbox / "vase.txt").write_text("a red vase")

    def scandir(path: Path) -> list[Entry]:
        if path != fleet.atlas.inbox:
            return Disk.scandir(disk, path)
        if refused:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        return [entry for entry in Disk.scandir(disk, path) if entry.name != "vase.txt"]

    with monkeypatch.context() as once:
        once.setattr(disk, "scandir", scandir)
        fleet.intake.step()
    assert fleet.taken().id.startswith("vase-")


def test_what_no_look_came_to_yet_is_told_too(fleet: Fleet) -> None:
    """After a start with more drops than one look takes, STATUS.txt told of those alone."""
    fleet.intake.inbox.turns.limit = 2
    dropped = [f"vase {k}.txt" for k in range(5)]
    for name in dropped:
        (fleet.atlas.inbox / name).write_text("a red vase")
    fleet.intake.step()
    told = fleet.atlas.status_file.read_text()
    assert len(fleet.intake.inbox.waiting) == 2
    assert [name for name in dropped if name not in told] == []
    assert "Arriving (5)" in told and told.count("not looked at yet") == 3


class _Remembering(Seam):
    """A network mount with caches: ``lstat`` tells what it told first, until the file is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[Path, os.stat_result | None] = {}

    def lstat(self, path: Path) -> os.stat_result | None:
        if path.suffix != ".ply":
            return super().lstat(path)
        return self.known.setdefault(path, super().lstat(path))

    def ask(self, path: Path) -> None:
        super().ask(path)
        self.known.pop(path, None)


def test_what_a_mount_s_cache_shows_as_quiet_is_asked_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that goes on behind the cache of an NFS mount as anybody mounts it, whose end is there by chance."""
    monkeypatch.setattr("pipeline.watchers.inbox.is_network", lambda folder: True)
    fleet = Fleet(tmp_path, disk=_Remembering)
    try:
        drop = scan_folder(fleet.atlas.inbox / "vase", passes=1, points=200)
        (file,) = drop.glob("*.ply")
        fleet.look()
        for _ in range(6):
            with file.open("ab") as copied:
                copied.write(b"\0" * 12)
            fleet.look()
            assert fleet.atlas.places(State.CLAIMED) == []
        fleet.taken()
    finally:
        fleet.close()
