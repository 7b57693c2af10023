"""How alike two pictures are around each pixel: normalised cross-correlation in a square window."""

from __future__ import annotations

from typing import Any

import torch

FLOOR = 4.0  # variance, of 255²: what varies less is blank, and is like nothing


def box(values: Any, size: int) -> Any:
    """Means over the windows of SIZE (odd) that lie wholly within (…, H, W)."""
    return _sums(_sums(values, size, -1), size, -2).mul_(1 / size**2)


def _sums(values: Any, size: int, axis: int) -> Any:
    """Sums of SIZE neighbours along AXIS, by doubling."""
    total, done, step, doubled = None, 0, 1, values
    length = values.shape[axis] - size + 1
    while done < size:
        if size & step:
            part = doubled.narrow(axis, done, length)
            # what was handed in stays as it is; the first sum is a new one
            total = part if total is None else total + part if done == 1 else total.add_(part)
            done += step
        if done < size:
            rest = doubled.shape[axis] - step
            doubled = doubled.narrow(axis, 0, rest) + doubled.narrow(axis, step, rest)
            step *= 2
    return total


def rimmed(values: Any, rim: int, mode: str = "constant") -> Any:
    """VALUES (H, W) with RIM more on each side: zeros, or what the MODE "replicate" repeats."""
    return torch.nn.functional.pad(values[None, None], (rim,) * 4, mode=mode)[0, 0]


def levelled(gray: Any, size: int) -> Any:
    """GRAY (H, W) without the mean of the window around each pixel, in units of the spread there:
    the mean of the product of two such pictures says how alike they are, in a third of the time
    that Window takes, as long as both show the place in about the same size."""
    centred = gray - 128
    whole = rimmed(centred, size // 2, "replicate")
    mean = box(whole, size)
    spread = box(whole**2, size).sub_(mean * mean).clamp_(min=0)
    return (centred - mean).mul_(spread.add_(FLOOR).rsqrt_())


class Window:
    """One picture (H, W), ready to be compared with others laid over it."""

    def __init__(self, gray: Any, size: int) -> None:
        self.size = size
        self.centred = rimmed(gray - 128, size // 2)
        self.mean = box(self.centred, size)
        spread = (box(self.centred**2, size) - self.mean**2).clamp_(min=0)
        self.scale = torch.rsqrt(spread + FLOOR)

    def likeness(self, other: Any) -> Any:
        """-1…1 (H, W) for OTHER, which has half a window more on each side."""
        other = other - 128
        mean = box(other, self.size)
        spread = box(other * other, self.size).sub_(mean * mean).clamp_(min=0).add_(FLOOR).rsqrt_()
        both = box(other.mul_(self.centred), self.size).sub_(mean.mul_(self.mean))
        return both.mul_(spread).mul_(self.scale)


class BetterHalf:
    """The mean of the better half of the likenesses that are put in: a point may be hidden from the
    other views."""

    def __init__(self, count: int) -> None:
        self.best: list[Any] = []
        self.keep = max(1, (count + 1) // 2)

    def put(self, values: Any) -> None:
        for place, kept in enumerate(self.best):
            self.best[place], values = torch.maximum(kept, values), torch.minimum(kept, values)
        if len(self.best) < self.keep:
            self.best.append(values)

    def mean(self) -> Any:
        total = self.best[0].clone()
        for more in self.best[1:]:
            total += more
        return total.mul_(1 / len(self.best))


def laid_over(gray: Any, x: Any, y: Any, scale: Any = None) -> Any:
    """GRAY (H, W) as it is at positions X, Y (h, w), -1…1 across it, times SCALE; 0 outside."""
    # x and y one after the other, not side by side: torch reads and fills that twice as fast
    grid = torch.empty((2, *x.shape), device=gray.device)
    for place, values in zip(grid, (x, y), strict=True):
        if scale is None:
            place.copy_(values)
        else:
            torch.mul(values, scale, out=place)
    return torch.nn.functional.grid_sample(
        gray[None, None],
        grid.permute(1, 2, 0)[None],
        mode="bilinear",
        padding_mode="zeros",
        align_corners=False,
    )[0, 0]


def rays(size: tuple[int, int], a: Any, device: Any, rim: int = 0) -> Any:
    """A x for the centre x of every pixel of a picture of SIZE (height, width), and of RIM more on
    each side: (3, H, W)."""
    height, width = size
    x = torch.arange(-rim, width + rim, device=device, dtype=torch.float32) + 0.5
    y = torch.arange(-rim, height + rim, device=device, dtype=torch.float32)[:, None] + 0.5
    rows = [[float(value) for value in row] for row in a]
    return torch.stack([(row[0] * x + row[1] * y).add_(row[2]) for row in rows])


def resized(values: Any, size: tuple[int, int]) -> Any:
    """VALUES (h, w) at another height and width."""
    return torch.nn.functional.interpolate(
        values[None, None], size, mode="bilinear", align_corners=False
    )[0, 0]
