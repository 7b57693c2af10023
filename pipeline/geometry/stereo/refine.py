"""Depths made exact: small steps from the first ones, compared along the surface found so far, so
that slanted places are as sharp as those that face the camera (library: torch)."""

from __future__ import annotations

from typing import Any

import torch

from pipeline.geometry.stereo import View, compare, transfer
from pipeline.geometry.stereo.sweep import seen

WINDOW = 7
SPAN, FINER = 3, 0.4


def refine(
    view: View, others: list[View], inverse: Any, step: float, rounds: int
) -> tuple[Any, Any]:
    """Inverse depth (H, W) after ROUNDS of steps, of which each is FINER than the one before, and
    how alike the pictures are there."""
    window, rim = compare.Window(view.gray, WINDOW), WINDOW // 2
    ways = [transfer(view, other) for other in others]
    rays = [compare.rays(view.size, a, view.gray.device, rim) for a, _ in ways]
    score = torch.zeros_like(inverse)
    for _ in range(rounds):
        inverse = calmed(inverse, 3 * step)
        wider = compare.rimmed(inverse, rim, "replicate")
        hill = _Hill(inverse)
        for number in range(-SPAN, SPAN + 1):
            half = compare.BetterHalf(len(others))
            for other, ray, (_, b) in zip(others, rays, ways, strict=True):
                half.put(window.likeness(seen(other.gray, ray, b, wider + number * step)))
            hill.put(number, half.mean())
        moved, score = hill.top()
        inverse = (inverse + moved.mul_(step)).clamp_(min=1e-6)
        step *= FINER
    return inverse, score


class _Hill:
    """The highest of the values put in one after the other, and those beside it."""

    def __init__(self, like: Any) -> None:
        self.last, self.high = torch.full_like(like, -1), torch.full_like(like, -1)
        self.before, self.after = torch.zeros_like(like), torch.zeros_like(like)
        self.place = torch.zeros_like(like)
        self.rising = torch.zeros_like(like, dtype=torch.bool)

    def put(self, number: int, values: Any) -> None:
        torch.where(self.rising, values, self.after, out=self.after)
        self.rising = values > self.high
        torch.where(self.rising, self.last, self.before, out=self.before)
        torch.maximum(self.high, values, out=self.high)
        self.place.masked_fill_(self.rising, number)
        self.last = values

    def top(self) -> tuple[Any, Any]:
        """The place of the highest value, between the numbers by a parabola, and its height."""
        inner = ~self.rising & (self.place > -SPAN)
        bend = (self.before - 2 * self.high + self.after).clamp_(max=-1e-6)
        aside = ((self.before - self.after) / bend * 0.5).clamp_(-0.5, 0.5)
        return self.place + aside.mul_(inner), self.high


def calmed(inverse: Any, reach: float) -> Any:
    """Each pixel becomes the mean of those around it that are within REACH of the median there:
    edges stay, single errors go."""
    across = _around(inverse, 0)
    near = [part for row in across for part in _around(row, 1)]
    middle = _median(*(_median(*_around(row, 1)) for row in across))
    total, weight = torch.zeros_like(middle), torch.zeros_like(middle)
    for one in near:
        like = ((one - middle).abs_() < reach).float()
        total += one * like
        weight += like
    # at an edge no pixel around may be near the median of medians
    return torch.where(weight > 0, total / weight.clamp_(min=1), middle)


def _around(values: Any, axis: int) -> list[Any]:
    """VALUES (H, W) moved by -1, 0 and 1 along AXIS, the rim repeated."""
    length = values.shape[axis]
    first, last = values.narrow(axis, 0, 1), values.narrow(axis, length - 1, 1)
    padded = torch.cat([first, values, last], axis)
    return [padded.narrow(axis, start, length) for start in range(3)]


def _median(a: Any, b: Any, c: Any) -> Any:
    return torch.maximum(torch.minimum(a, b), torch.minimum(torch.maximum(a, b), c))
