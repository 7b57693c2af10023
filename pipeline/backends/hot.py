"""One network stays loaded from job to job; another one takes its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline import models
from pipeline.backends import memory, weights

_held: dict[tuple[str, str, int], Any] = {}


def network(folder: Path) -> Any:
    """The network in FOLDER on this process's device, loaded unless it is the one that is held already."""
    path = folder / models.WEIGHTS
    key = (str(path), memory.device(), path.stat().st_mtime_ns if path.is_file() else 0)
    if key not in _held:
        forget()
        _held[key] = weights.load(folder, memory.device())
    return _held[key]


def forget() -> None:
    """Let go of the held network."""
    with memory.released():
        _held.clear()
