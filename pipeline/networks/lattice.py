"""Coarse-to-fine evaluation of a scalar field on a regular grid: only points near the surface are
asked for.

The surface is looked for on a coarse lattice and followed from cell to cell, then again at half the
step, down to step 1. A cell is refined where the level lies within reach of its corners' values,
and as soon as points on it are known to lie on both sides. So every piece of the dense grid's
surface that touches a refined cell comes out whole, vertex for vertex; lost is only a closed piece
that fits between lattice points and does not show in their values.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor], Tensor]  # grid indices (N,3) → values (N,), both on the grid's device

# of the coarsest lattice along an edge: a separate part thinner than 1/48 of the box may be lost
FEWEST_CELLS = 48


def coarsest_step(res: int) -> int:
    """The largest power of two that leaves at least FEWEST_CELLS cells along an edge of RES points;
    1 is the dense grid."""
    step = 1
    while (res - 1) // (2 * step) >= FEWEST_CELLS:
        step *= 2
    return step


def sample(
    field: Field,
    res: int,
    level: float,
    step: int | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Values [res,res,res] of FIELD on DEVICE; a point that was not asked for holds the value of a
    neighbour on the same side of LEVEL.

    STEP, a power of two, is the spacing of the first lattice; 1 asks for every point.
    """
    step = step or coarsest_step(res)
    lattice = _axis(res, step, device)
    known = torch.ones((len(lattice),) * 3, dtype=torch.bool, device=device)
    values = _ask(field, lattice, known, torch.zeros(known.shape, device=device))
    while step > 1:
        step //= 2
        coarse, lattice = lattice, _axis(res, step, device)
        values, known = _refine(field, values, known, coarse, lattice, level)
    return values


def _axis(res: int, step: int, device: torch.device | str) -> Tensor:
    """Grid indices of a lattice along one axis; the last point always belongs to it."""
    return torch.tensor(sorted({*range(0, res, step), res - 1}), device=device)


def _ask(field: Field, lattice: Tensor, wanted: Tensor, values: Tensor) -> Tensor:
    places = wanted.nonzero()
    if len(places):
        values[wanted] = field(lattice[places]).to(values)
    return values


def _refine(
    field: Field, values: Tensor, known: Tensor, coarse: Tensor, fine: Tensor, level: float
) -> tuple[Tensor, Tensor]:
    """Values on the lattice FINE from those on COARSE: cells crossed by the surface are asked for,
    over and over until none is left."""
    below = torch.searchsorted(coarse, fine, right=True) - 1
    starts = torch.searchsorted(fine, coarse)
    finer = values[below][:, below][:, :, below]
    asked = torch.zeros_like(finer, dtype=torch.bool)
    asked[starts[:, None, None], starts[:, None], starts] = known
    near = _near(values, level)
    if not near.any():
        return finer, asked
    while True:
        crossed = near | (_any(finer >= level, starts) & _any(finer <= level, starts))
        wanted = _points(crossed, starts, len(fine)) & ~asked
        if not wanted.any():
            return finer, asked
        finer = _ask(field, fine, wanted, finer)
        asked |= wanted


def _near(values: Tensor, level: float) -> Tensor:
    """Per cell: could LEVEL be crossed within it, as far as the values at its corners differ?"""
    low = high = values
    for axis in range(3):
        count = low.shape[axis] - 1
        low = torch.minimum(low.narrow(axis, 0, count), low.narrow(axis, 1, count))
        high = torch.maximum(high.narrow(axis, 0, count), high.narrow(axis, 1, count))
    return (high > low) & (2 * low - high < level) & (2 * high - low > level)


def _any(points: Tensor, starts: Tensor) -> Tensor:
    """Per cell: is any of its points set, those on its boundary included? A cell spans two fine
    steps, the last one maybe one."""
    for axis in range(3):
        first, middle, last = (
            points.index_select(axis, at) for at in (starts[:-1], starts[:-1] + 1, starts[1:])
        )
        points = first | middle | last
    return points


def _points(cells: Tensor, starts: Tensor, count: int) -> Tensor:
    """Per point: does any cell that contains it, on its boundary or within, stand in CELLS?"""
    for axis in range(3):
        spread = torch.zeros(
            (*cells.shape[:axis], count, *cells.shape[axis + 1 :]),
            dtype=torch.bool,
            device=cells.device,
        )
        for at in (starts[:-1], starts[:-1] + 1, starts[1:]):
            spread.index_copy_(axis, at, spread.index_select(axis, at) | cells)
        cells = spread
    return cells
