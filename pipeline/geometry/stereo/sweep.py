"""A first depth for every pixel: planes at many depths, each judged by how alike the pictures are
on it, and smoothed along eight directions (library: torch)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pipeline.geometry.stereo import View, compare, transfer

WINDOW = 5
FEWEST, MOST = 48, 192  # planes
SLOPE, JUMP = 0.08, 0.45  # what a step to the next plane costs, and a leap


def sweep(view: View, others: list[View], depths: tuple[float, float]) -> tuple[Any, float]:
    """Inverse depth (H, W) of VIEW between the nearest and the farthest of DEPTHS, and the step
    between the planes."""
    nearest, farthest = (1 / depth for depth in depths)
    ways = [transfer(view, other) for other in others]
    count = _planes(view, ways, others, nearest, farthest)
    steps = np.linspace(farthest, nearest, count)
    device = view.gray.device
    window = compare.Window(view.gray, WINDOW)
    rays = [compare.rays(view.size, a, device) for a, _ in ways]
    cost = torch.empty((*view.size, count), device=device)
    for number, q in enumerate(steps):
        half = compare.BetterHalf(len(others))
        for other, ray, (_, b) in zip(others, rays, ways, strict=True):
            half.put(window.likeness(seen(other, ray, b, float(q))))
        cost[..., number] = half.mean().neg_().add_(1)
    total = _smoothed(cost)
    place = _between(total)
    return farthest + place * float(steps[1] - steps[0]), float(steps[1] - steps[0])


def seen(other: View, ray: Any, b: Any, q: Any) -> Any:
    """What OTHER shows of the surface at inverse depth Q, a number or (H, W)."""
    x, y, z = (ray[axis] + float(b[axis]) * q for axis in range(3))
    return compare.laid_over(other.gray, x, y, z.clamp_(min=1e-6).reciprocal_())


def _planes(view: View, ways: Any, others: list[View], nearest: float, farthest: float) -> int:
    """So many that the picture's middle moves by about a pixel from one to the next."""
    middle = np.array([view.size[1] / 2, view.size[0] / 2, 1.0])
    travels = []
    for other, (a, b) in zip(others, ways, strict=True):
        ends = [a @ middle + b * q for q in (farthest, nearest)]
        places = [end[:2] / max(end[2], 1e-6) * np.array(other.size[::-1]) / 2 for end in ends]
        travels.append(np.linalg.norm(places[1] - places[0]))
    return int(np.clip(np.ceil(np.median(travels)), FEWEST, MOST))


def _smoothed(cost: Any) -> Any:
    """Semi-global sums of COST (H, W, D)."""
    total = torch.zeros_like(cost)
    for down in (False, True):
        for aside in (-1, 0, 1):
            _along(cost, total, down, aside)
    turned, turned_total = cost.transpose(0, 1), total.transpose(0, 1)
    for down in (False, True):
        _along(turned, turned_total, down, 0)
    return total


def _along(cost: Any, total: Any, backward: bool, aside: int) -> None:
    """Add to TOTAL the sums along one direction: from row to row, ASIDE columns at each."""
    rows = range(cost.shape[0] - 1, -1, -1) if backward else range(cost.shape[0])
    before = None
    for row in rows:
        here = cost[row]
        if before is None:
            before = here.clone()
        else:
            edge = 0 if aside > 0 else -1
            moved = torch.roll(before, aside, 0) if aside else before
            before = _step(moved, here)
            if aside:
                before[edge] = here[edge]
        total[row] += before


def _step(before: Any, here: Any) -> Any:
    low = before.amin(-1, keepdim=True)
    best = torch.minimum(before, low + JUMP)
    torch.minimum(best[:, 1:], before[:, :-1] + SLOPE, out=best[:, 1:])
    torch.minimum(best[:, :-1], before[:, 1:] + SLOPE, out=best[:, :-1])
    return best.sub_(low).add_(here)


def _between(total: Any) -> Any:
    """The place of the lowest sum along the last axis, between planes by a parabola."""
    place = total.argmin(-1).clamp_(1, total.shape[-1] - 2)
    low, mid, high = (total.gather(-1, (place + step)[..., None])[..., 0] for step in (-1, 0, 1))
    bend = (low - 2 * mid + high).clamp_(min=1e-6)
    return place + ((low - high) / bend * 0.5).clamp_(-0.5, 0.5)
