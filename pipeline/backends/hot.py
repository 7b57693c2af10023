"""What stays loaded from job to job. On a GPU as much as it has room for: what was used longest ago
goes first. On a CPU one thing, for there the machine's memory is the jobs'."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

import torch

from pipeline.backends import memory
from pipeline.gpu import fast
from pipeline.weights import loading, record
from pipeline.weights.catalogue import WEIGHTS

WORK = 6 << 30  # bytes that are to stay free beside what is loaded, for the work itself

_held: dict[str, tuple[Hashable, Any]] = {}  # what was used last stands last


def hold(name: str, key: Hashable, load: Callable[[], Any], size: int = 0) -> Any:
    """What is held as NAME under KEY; else what LOAD makes, of SIZE bytes on the device, once there
    is room for it."""
    if name in _held and _held[name][0] != key:
        forget(name)
    if name not in _held:
        _make_room(size)
        _held[name] = (key, _loaded(load))
    _held[name] = _held.pop(name)
    return _held[name][1]


def _make_room(size: int) -> None:
    while _held and (memory.device() == "cpu" or memory.free() < size + WORK):
        forget(next(iter(_held)))


def _loaded(load: Callable[[], Any]) -> Any:
    try:
        return load()
    except torch.OutOfMemoryError:
        if not _held:
            raise
    forget()  # it is larger than it said: everything else goes, and the second try counts
    return load()


def spare() -> None:
    """Let go of everything but what was used last: the work itself runs out of memory."""
    for name in list(_held)[:-1]:
        forget(name)


memory.sparing.append(spare)


def forget(name: str | None = None) -> None:
    """Let go of what is held as NAME, or of everything."""
    with memory.released():
        for one in [name] if name else list(_held):
            _held.pop(one, None)


def network(folder: Path) -> Any:
    """Our own network in FOLDER on this process's device."""
    path = folder / WEIGHTS
    there = path.stat() if path.is_file() else None
    return hold(
        str(path),
        (memory.device(), record.stamp(folder)),
        lambda: fast.prepared(loading.load(folder, memory.device()), fast.way(memory.device())),
        there.st_size if there else 0,
    )
