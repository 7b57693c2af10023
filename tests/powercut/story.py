"""A day on a recorded disk: drops, submissions, starts, legs, a kill, a failure, a retry, results,
a deletion. Every word that somebody could rely on is marked between the writes.

The real submission, intake, workers, runner and reaper, durable as on a NAS; only the stages are
stand-ins (tests/simulation/stages.py), whose result tells what it was made of.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from layout import lifecycle, names
from layout.tree import State
from pipeline import errors, recipes
from pipeline.kept import declared
from pipeline.submission import submit
from tests.simulation import stages
from tests.support.fleet import Fleet, Here, Seam

SCAN, FINISH, BOTH = ("scan",), ("finish",), ("scan", "finish")
Mark = Callable[..., None]


def bytes_of(serial: int) -> bytes:
    """A pass like no other."""
    rows = (f"{1 + k % 12} {1 + k // 12} {serial if k == 0 else 0}\n" for k in range(600))
    return "".join(rows).encode()


class Marked(Seam):
    """A durable disk that says every rename once it has returned: from then on it must hold."""

    def __init__(self, root: Path, mark: Mark) -> None:
        super().__init__(durable=True)
        self.root, self.mark = root, mark

    def rename(self, source: Path, target: Path) -> None:
        self.mark("renames", source=self._short(source), target=self._short(target))
        super().rename(source, target)
        self.mark("renamed", source=self._short(source), target=self._short(target))

    def _short(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else ""


@contextlib.contextmanager
def stand_ins() -> Iterator[None]:
    """Stages whose result tells what it was made of."""
    with (
        patch.dict(recipes.RECIPES, stages.RECIPES, clear=True),
        patch.dict(declared.STAGES, stages.STAGES),
    ):
        yield


class Day:
    """What happens below ROOT, the mounted disk; what must not depend on it lies below APART."""

    def __init__(self, root: Path, apart: Path, mark: Mark) -> None:
        self.mark, self.apart, self.serial = mark, apart, 0
        atlas = root / "atlas"
        self.fleet = Fleet(root, lambda: Marked(atlas, mark), apart / "scratch")
        self.atlas = self.fleet.atlas
        os.sync()
        mark("begin")

    # -- people --------------------------------------------------------------------------------
    def drop(self, name: str, files: int, synced: bool, toml: str = "") -> None:
        """A person copies a folder; SYNCED: their program flushes each file, as good ones do."""
        folder = self.atlas.inbox / name
        folder.mkdir()
        for k in range(files):
            self._put(folder / f"pass{k}.xyz", self._fresh(), synced)
        if toml:
            self._put(folder / "job.toml", toml.encode(), synced)
        if synced:
            self.atlas.disk.fsync_dir(folder)
            self.atlas.disk.fsync_dir(self.atlas.inbox)
            for path in sorted(folder.iterdir()):
                self.mark("safe", text=path.read_text())

    def submit(self, name: str, files: int, **request: Any) -> str:
        """By the CLI and the API: when it returns, a power cut can take nothing back."""
        source = self.apart / name
        source.mkdir()
        for k in range(files):
            (source / f"pass{k}.xyz").write_bytes(self._fresh())
        place = submit.submit_path(self.atlas, source, {"kind": "scan", **request})
        for path in sorted(source.iterdir()):
            self.mark("safe", text=path.read_text())
        return place.id

    def _fresh(self) -> bytes:
        self.serial += 1
        return bytes_of(self.serial)

    @staticmethod
    def _put(path: Path, data: bytes, synced: bool) -> None:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            if synced:
                os.fsync(file.fileno())

    # -- the line ------------------------------------------------------------------------------
    def look(self) -> None:
        """The intake takes what stands still; from then on it has read every byte of it."""
        self.fleet.look()

    def fails_once(self) -> None:
        """A start whose stage fails."""
        with patch.object(Here, "run", _fails):
            self.fleet.work(*BOTH)

    def close(self) -> None:
        self.fleet.close()


def _fails(self: Here, order: Any, heard: Any, tick: Any) -> None:
    raise errors.StageFailed("It did not work.")


def whole_day(root: Path, mark: Mark) -> None:
    """A day on the disk that is mounted at ROOT."""
    with tempfile.TemporaryDirectory() as apart, stand_ins():
        day = Day(root, Path(apart), mark)
        try:
            _from_morning_to_night(day)
        finally:
            day.close()


def _from_morning_to_night(day: Day) -> None:
    """Submit, claim, start, hand on, promote, finish, kill, seize, fail, retry, cancel, delete."""
    day.submit("vase", 2, output_format=["glb", "stl"])
    day.drop("lamp", 2, synced=True)
    day.drop("cup", 1, synced=False)
    day.look()
    day.fleet.work(*SCAN)
    day.fleet.work(*SCAN)
    day.look()
    day.fleet.work(*FINISH)
    day.fleet.work(*BOTH, at=35)  # killed in the middle
    day.fleet.reap()
    day.submit("bowl", 1)
    day.look()
    day.fails_once()
    for place in day.fleet.places(State.FAILED):
        lifecycle.retry(day.atlas, place)
    day.drop("shoe", 2, synced=True, toml='kind = "scan"\nseed = 2\n')
    day.fleet.settle([SCAN, FINISH])
    first, *_ = day.fleet.places(State.DONE)
    submit.submit_again(day.atlas, first, day.fleet.job(first))
    lifecycle.delete(day.atlas, first)
    victim = day.submit("fork", 1)
    lifecycle.cancel(day.atlas, day.atlas.at_inbox(victim))
    day.fleet.settle([BOTH])


def marker(path: Path) -> Mark:
    """Writes words into the recorder's second file."""

    def mark(what: str, **facts: Any) -> None:
        with path.open("wb", buffering=0) as file:
            file.write(json.dumps({"what": what, **facts}).encode())

    return mark


def job_of(path: str) -> str | None:
    """The id of the job whose folder PATH is, for a path of one of the five states or drafts/."""
    state, _, name = path.rpartition("/")
    if state in {one.value for one in State} or state.endswith("drafts"):
        return names.id_of(name) or (name if names.is_id(name) else None)
    return None
