"""What stays loaded from job to job: one thing in each place, and another one takes its place."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from pipeline.backends import memory
from pipeline.gpu import fast
from pipeline.weights import loading
from pipeline.weights.catalogue import WEIGHTS

_held: dict[str, tuple[Hashable, Any]] = {}


def hold(place: str, key: Hashable, load: Callable[[], Any]) -> Any:
    """What lies in PLACE under KEY; where another lies there it goes, then LOAD is called."""
    if place not in _held or _held[place][0] != key:
        forget(place)
        _held[place] = (key, load())
    return _held[place][1]


def forget(place: str | None = None) -> None:
    """Let go of what is held in PLACE, or of everything."""
    with memory.released():
        for name in [place] if place else list(_held):
            _held.pop(name, None)


def network(folder: Path) -> Any:
    """Our own network in FOLDER on this process's device."""
    path = folder / WEIGHTS
    key = (str(path), memory.device(), path.stat().st_mtime_ns if path.is_file() else 0)
    return hold(
        "network",
        key,
        lambda: fast.prepared(loading.load(folder, memory.device()), fast.way(memory.device())),
    )
