"""What one way of computing took: time and memory, beside the others."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Row:
    """One way of doing one thing. first: seconds of the first call, compiling included. note: what
    else was counted."""

    what: str
    way: str
    seconds: float = float("nan")
    spread: str = ""
    first: float = float("nan")
    gigabytes: float = float("nan")
    note: str = ""
    ratio: float = 1.0


def measured(what: str, way: str, work: Callable[[], str], rounds: int) -> Row:
    """WORK called once to warm up and then ROUNDS times; it returns a note. A card that is too
    small is said in the row."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        first = _timed(work)[0]
        seconds, notes = zip(*(_timed(work) for _ in range(rounds)), strict=True)
    except torch.OutOfMemoryError:
        return Row(what, way, note="out of memory")
    peak = torch.cuda.max_memory_allocated() / 2**30 if cuda else float("nan")
    return Row(
        what,
        way,
        statistics.median(seconds),
        f"{min(seconds):.3f}–{max(seconds):.3f}",
        first,
        peak,
        notes[-1],
    )


def _timed(work: Callable[[], str]) -> tuple[float, str]:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    note = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, note


def beside(rows: list[Row]) -> list[Row]:
    """Each row with how many times faster it is than the first."""
    return [replace(row, ratio=rows[0].seconds / row.seconds) for row in rows]


def torus(points: Tensor) -> Tensor:
    """[1,N,3] → about the distance to a torus that fills two thirds of the box, positive inside."""
    return 0.18 - torch.hypot(torch.hypot(points[..., 0], points[..., 1]) - 0.45, points[..., 2])


def drawn(network: Callable[[Any], Any], sizes: Any, device: str) -> Any:
    """NETWORK(SIZES) on DEVICE with random weights."""
    torch.manual_seed(0)
    with torch.device(device):
        made = network(sizes)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.02)
    return made.eval().requires_grad_(False)
