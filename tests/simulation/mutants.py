"""Planted bugs: one rule of the lifecycle taken out of the real code. A simulation that does not find them is worth nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from layout import by_hand, cancelled, claiming, lifecycle, tree
from layout import move as moves
from layout.attention import Attention
from layout.calls import write
from layout.disk import Disk, LineFault
from layout.liveness import Life, Observer
from layout.manifest import JobFile
from layout.tree import Atlas, Place
from pipeline import blame
from pipeline.drops.completeness import Completeness
from pipeline.drops.verdict import Ready
from pipeline.kept import keys, snapshot
from pipeline.runner import input_copy, input_list
from pipeline.runner.held import HeldJob
from pipeline.runner.patience import Patience
from pipeline.watchers import choice, cleanup, order
from pipeline.watchers.reaper import Reaper
from pipeline.watchers.shells import Shells

Mutant = Callable[[], contextlib.AbstractContextManager[Any]]


def _replace_without_fsync(self: Disk, path: Path, data: bytes) -> None:
    """The name is there before the bytes are."""
    neighbour = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    self._do("write_temporary", write, neighbour, data, os.O_EXCL, False)
    self._do("replace", os.replace, neighbour, path)


def _believing_errors(atlas: Atlas, source: Path, target: Path) -> None:
    try:
        atlas.disk.rename(source, target)
    except OSError:
        raise moves.Gone(source.name) from None


@contextlib.contextmanager
def lost_reply() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for module in (lifecycle, claiming, by_hand, cancelled, moves):
            stack.enter_context(patch.object(module, "move", _believing_errors))
        yield


def _same_n(atlas: Atlas, place: Place, worker: str) -> Place:
    held = atlas.at_processing(place.id, worker, max(place.n, 1))
    moves.move(atlas, place.path, held.path)
    return held


@contextlib.contextmanager
def fence() -> Iterator[None]:
    """A worker that lost its job makes the folder again."""
    replace = Disk.replace

    def anyway(self: Disk, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(self, path, data)

    with patch.object(Disk, "replace", anyway):
        yield


@contextlib.contextmanager
def _uncaught(self: Attention, path: Path) -> Iterator[None]:
    yield


_complete = Shells.complete


def _passes_refused(self: Shells, shell: Place, copy_of: str | None = None) -> None:
    if shell.queue != lifecycle.REFUSED:
        _complete(self, shell, copy_of)


def _due_at_once(atlas: Atlas, days: float) -> list[Any]:
    return _trash_due(atlas, 0)


_trash_due = cleanup.trash_due


def _no_quiet(self: Any, look: Any, seen: Any) -> Any:
    """Whatever ends as it should is taken at once."""
    return self._unfinished(look, seen) or self._doubtful(look, seen) or Ready("quiet", 0.0)


def _by_size(disk: Disk, inside: Path, seen: snapshot.Snapshot) -> bool:
    """Names and sizes alone: a file that was replaced by one of its size is the same."""
    now = snapshot.snapshot(disk, inside)
    return [row[:2] for row in now] == [row[:2] for row in seen]


@contextlib.contextmanager
def stale_scratch() -> Iterator[None]:
    """What an earlier start left in scratch is taken for what stands in input/ now."""
    with (
        patch.object(input_copy, "stands", _by_size),
        patch.object(input_list, "stands", _by_size),
        patch.object(input_list, "forget", lambda root: None),
    ):
        yield


def _dead(self: Observer, worker: str) -> Life:
    """One look that finds no new beat."""
    return Life.DEAD if self._same.get(worker, 0) >= 1 else _life(self, worker)


_life = Observer.life


def _by_content(atlas: Atlas, days: float) -> list[Any]:
    """A deleted job is known by its job.json, if that is seen."""
    bare = [
        cleanup.Item(atlas.trash / entry.name, "left over")
        for entry in atlas.disk.scandir(atlas.trash)
        if atlas.disk.lstat(atlas.trash / entry.name / tree.JOB) is None
    ]
    return [*bare, *_trash_due(atlas, days)]


def _of_the_tree_alone(error: OSError, atlas: Atlas) -> LineFault | None:
    """A job that may not be moved on is to blame for it."""
    return None if getattr(error, "filename2", None) else _of_tree(error, atlas)


_of_tree = blame.of_tree


def _believing(self: Patience, place: Place, call: Callable[[], Any]) -> Any:
    """The first refusal within a job is believed."""

    def once() -> Any:
        try:
            return call()
        except PermissionError as error:
            raise self.blamed(error) from error

    return _patient(self, place, once)


_patient = Patience.__call__


def _demanding(self: HeldJob) -> None:
    """What keeps progress from being told ends the job."""
    with contextlib.suppress(LineFault):
        self.reporter.tick()


def _never_accepted(at: str, *facts: Any) -> choice.Accepted:
    """Waiting jobs are sorted by their names."""
    return _accepted("", *facts)


_accepted = choice.Accepted

MUTANTS: dict[str, Mutant] = {
    "the fsync before the rename": lambda: patch.object(Disk, "replace", _replace_without_fsync),
    "the look for the target after an error": lost_reply,
    "the quiet window": lambda: patch.object(Completeness, "_quiet", _no_quiet),
    "the fence": fence,
    "the count of crashes": lambda: patch.object(JobFile, "crashes", lambda self, n: 0),
    "the key of what is kept": lambda: patch.object(keys, "of_stage", lambda *args, **more: "same"),
    "stale scratch": stale_scratch,
    "one bad folder": lambda: patch.object(Attention, "over", _uncaught),
    "n goes up at each start": lambda: patch.object(lifecycle, "start", _same_n),
    "refused shells are completed": lambda: patch.object(Shells, "complete", _passes_refused),
    "thirty days in trash": lambda: patch.object(cleanup, "trash_due", _due_at_once),
    "deleted jobs known by their name": lambda: patch.object(cleanup, "trash_due", _by_content),
    "claimed without job.json": lambda: patch.object(Reaper, "_mend_waiting", lambda self: None),
    "several looks before seizing": lambda: patch.object(Observer, "life", _dead),
    "a job that may not be moved waits": lambda: patch.object(blame, "of_tree", _of_the_tree_alone),
    "a refusal is believed the second time": lambda: patch.object(Patience, "__call__", _believing),
    "progress fails no job": lambda: patch.object(HeldJob, "_show", _demanding),
    "urgent jobs first": lambda: patch.object(
        order.Order, "of", lambda self, urgent, others: [*others, *urgent]
    ),
    "others move too": lambda: patch.object(order, "URGENT_RUN", 10**9),
    "by acceptance": lambda: patch.object(choice, "Accepted", _never_accepted),
    "half accepted shells": lambda: patch.object(Shells, "complete_left", lambda self: None),
}
