"""A first depth for every pixel: planes at many depths, each judged by how alike the pictures are
on it, and smoothed along eight directions (library: torch)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from pipeline.geometry.stereo import View, compare, transfer

WINDOW = 5
FEWEST, MOST = 48, 160  # planes
APART = 1.25  # pixels that the picture's middle moves from one to the next
SLOPE, JUMP = 0.08, 0.45  # what a step to the next plane costs, and a leap
STEPS = 1024  # of a cost of 1: costs are whole numbers, two bytes each
STRIP = 128  # rows at a time, so that what they take stays near the processor


def sweep(view: View, others: list[View], depths: tuple[float, float]) -> tuple[Any, float]:
    """Inverse depth (H, W) of VIEW between the nearest and the farthest of DEPTHS, and the step
    between the planes."""
    nearest, farthest = (1 / depth for depth in depths)
    ways = [transfer(view, other) for other in others]
    count = _planes(view, ways, others, nearest, farthest)
    steps = np.linspace(farthest, nearest, count)
    cost = torch.empty((*view.size, count), dtype=torch.int16, device=view.gray.device)
    _compared(view, others, ways, steps, cost)
    place = _between(_smoothed(cost))
    return farthest + place * float(steps[1] - steps[0]), float(steps[1] - steps[0])


def _compared(view: View, others: list[View], ways: Any, steps: Any, cost: Any) -> None:
    """Fill COST (H, W, D) with how little alike VIEW and the OTHERS are at inverse depths STEPS."""
    rim = WINDOW // 2
    own = compare.rimmed(compare.levelled(view.gray, WINDOW), rim)
    pictures = [compare.levelled(other.gray, WINDOW) for other in others]
    rays = [compare.rays(view.size, a, own.device, rim) for a, _ in ways]
    for top in range(0, len(cost), STRIP):
        part, rows = cost[top : top + STRIP], slice(top, top + STRIP + 2 * rim)
        for number, q in enumerate(steps):
            half = compare.BetterHalf(len(others))
            for picture, ray, (_, b) in zip(pictures, rays, ways, strict=True):
                there = seen(picture, ray[:, rows], b, float(q))
                half.put(compare.box(there.mul_(own[rows]), WINDOW))
            part[..., number] = half.mean().mul_(-STEPS).add_(STEPS)


def seen(picture: Any, ray: Any, b: Any, q: Any) -> Any:
    """What the PICTURE of another shows of the surface at inverse depth Q, a number or (H, W)."""
    x, y, z = (ray[axis] + float(b[axis]) * q for axis in range(3))
    return compare.laid_over(picture, x, y, z.clamp_(min=1e-6).reciprocal_())


def _planes(view: View, ways: Any, others: list[View], nearest: float, farthest: float) -> int:
    """So many that the picture's middle moves by APART pixels from one to the next."""
    middle = np.array([view.size[1] / 2, view.size[0] / 2, 1.0])
    travels = []
    for other, (a, b) in zip(others, ways, strict=True):
        ends = [a @ middle + b * q for q in (farthest, nearest)]
        places = [end[:2] / max(end[2], 1e-6) * np.array(other.size[::-1]) / 2 for end in ends]
        travels.append(np.linalg.norm(places[1] - places[0]))
    return int(np.clip(np.ceil(np.median(travels) / APART), FEWEST, MOST))


def _smoothed(cost: Any) -> Any:
    """Semi-global sums of COST (H, W, D), whole numbers."""
    total = torch.zeros_like(cost)
    for down in (False, True):
        for aside in (-1, 0, 1):
            _along(cost, total, down, aside)
    turned = cost.transpose(0, 1).contiguous()
    turned_total = torch.zeros_like(turned)
    for down in (False, True):
        _along(turned, turned_total, down, 0)
    return total.add_(turned_total.transpose(0, 1))


def _along(cost: Any, total: Any, backward: bool, aside: int) -> None:
    """Add to TOTAL the sums along one direction: from row to row, ASIDE columns at each."""
    width = cost.shape[1]
    to = slice(max(aside, 0), width + min(aside, 0))
    come = slice(max(-aside, 0), width + min(-aside, 0))
    above = torch.zeros_like(cost[0])  # the sums of the row before, less the lowest of each pixel
    best, stepped = torch.zeros_like(above), torch.empty_like(above)
    slope, jump = round(SLOPE * STEPS), round(JUMP * STEPS)
    for row in range(len(cost) - 1, -1, -1) if backward else range(len(cost)):
        torch.clamp(above[come], max=jump, out=best[to])
        torch.add(above[come], slope, out=stepped[to])
        inner, beside = best[to], stepped[to]
        torch.minimum(inner[:, 1:], beside[:, :-1], out=inner[:, 1:])
        torch.minimum(inner[:, :-1], beside[:, 1:], out=inner[:, :-1])
        if aside:
            best[0 if aside > 0 else -1] = 0
        best += cost[row]
        total[row] += best
        torch.sub(best, best.amin(-1, keepdim=True), out=above)


def _between(total: Any) -> Any:
    """The place of the lowest sum along the last axis, between planes by a parabola."""
    place = total.argmin(-1).clamp_(1, total.shape[-1] - 2)
    low, mid, high = (
        total.gather(-1, (place + step)[..., None])[..., 0].float() for step in (-1, 0, 1)
    )
    bend = (low - 2 * mid + high).clamp_(min=1e-6)
    return place + ((low - high) / bend * 0.5).clamp_(-0.5, 0.5)
