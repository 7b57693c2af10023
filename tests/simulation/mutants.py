"""Planted bugs: one rule of the lifecycle taken out of the real code. A simulation that does not find them is worth nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from layout import by_hand, cancelled, claiming, lifecycle
from layout import move as moves
from layout.attention import Attention
from layout.calls import write
from layout.disk import Disk
from layout.manifest import JobFile
from layout.tree import Atlas, Place
from pipeline.kept import keys
from pipeline.watchers import cleanup
from pipeline.watchers.intake import Intake
from pipeline.watchers.reaper import Reaper

Mutant = Callable[[], contextlib.AbstractContextManager[Any]]


def _replace_without_fsync(self: Disk, path: Path, data: bytes) -> None:
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


_complete = Intake._complete


def _passes_refused(self: Intake, shell: Place) -> None:
    if shell.queue != lifecycle.REFUSED:
        _complete(self, shell)


def _due_at_once(atlas: Atlas, days: float) -> list[Any]:
    return _trash_due(atlas, 0)


_trash_due = cleanup.trash_due


MUTANTS: dict[str, Mutant] = {
    "the fsync before the rename": lambda: patch.object(Disk, "replace", _replace_without_fsync),
    "the fence": fence,
    "the count of crashes": lambda: patch.object(JobFile, "crashes", lambda self, n: 0),
    "the key of what is kept": lambda: patch.object(keys, "of_stage", lambda *args, **more: "same"),
    "one bad folder": lambda: patch.object(Attention, "over", _uncaught),
    "n goes up at each start": lambda: patch.object(lifecycle, "start", _same_n),
    "refused shells are completed": lambda: patch.object(Intake, "_complete", _passes_refused),
    "thirty days in trash": lambda: patch.object(cleanup, "trash_due", _due_at_once),
    "claimed without job.json": lambda: patch.object(Reaper, "_mend_waiting", lambda self: None),
    "two looks before seizing": lambda: patch(
        "layout.liveness.Observer.life", lambda self, worker: lifecycle_dead()
    ),
    "half accepted shells": lambda: patch.object(Intake, "_complete_shells", lambda self: None),
}


MASKED: dict[
    str, Mutant
] = {  # not found in 20 seeds: a worker finds the job under its own name, and goes on
    "the look for the target after an error": lost_reply,
}


def lifecycle_dead() -> Any:
    from layout.liveness import Life

    return Life.DEAD


__all__ = ["MASKED", "MUTANTS", "Mutant"]
