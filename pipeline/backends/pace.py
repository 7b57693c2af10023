"""How fast this machine's CPU computes, and what that makes of a piece of work."""

from __future__ import annotations

import time
from functools import cache

import torch

EDGE = 1024  # of the matrices that are multiplied to see
TRIES = 3
REACHED = 0.65  # share of the pace of plain products that whole networks reach, measured


@cache
def operations() -> float:
    """Floating-point operations a second of whole networks in float32, by this process's
    threads."""
    a, b = torch.ones(EDGE, EDGE), torch.ones(EDGE, EDGE)
    torch.mm(a, b)
    return REACHED * 2 * EDGE**3 / min(_seconds(a, b) for _ in range(TRIES))


def _seconds(a: torch.Tensor, b: torch.Tensor) -> float:
    start = time.perf_counter()
    torch.mm(a, b)
    return time.perf_counter() - start


def words(seconds: float) -> str:
    """About how long, for people."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = seconds / 60
    return f"about {minutes:.0f} min" if minutes < 90 else f"about {minutes / 60:.1f} h"
