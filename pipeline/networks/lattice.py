"""Coarse-to-fine evaluation of a scalar field on a regular grid: only points near the surface are asked for.

The surface is looked for on a coarse lattice and followed from cell to cell, then again at half the step, down to step 1. A cell
is refined where the level lies within reach of its corners' values, and as soon as points on it are known to lie on both sides.
So every piece of the dense grid's surface that touches a refined cell comes out whole, vertex for vertex; lost is only a closed
piece that fits between lattice points and does not show in their values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Mask = NDArray[np.bool_]
Ints = NDArray[np.integer[Any]]
Field = Callable[[Ints], Values]  # grid indices (N,3) → values (N,)

FEWEST_CELLS = 48  # of the coarsest lattice along an edge: a separate part thinner than 1/48 of the box may be lost


def coarsest_step(res: int) -> int:
    """The largest power of two that leaves at least FEWEST_CELLS cells along an edge of RES points; 1 is the dense grid."""
    step = 1
    while (res - 1) // (2 * step) >= FEWEST_CELLS:
        step *= 2
    return step


def sample(field: Field, res: int, level: float, step: int | None = None) -> Values:
    """Values (res,res,res) of FIELD; a point that was not asked for holds the value of a neighbour on the same side of LEVEL.

    STEP, a power of two, is the spacing of the first lattice; 1 asks for every point.
    """
    step = step or coarsest_step(res)
    lattice = _axis(res, step)
    values = _ask(field, lattice, np.ones((len(lattice),) * 3, bool), np.zeros((len(lattice),) * 3, np.float32))
    known = np.ones(values.shape, bool)
    while step > 1:
        step //= 2
        coarse, lattice = lattice, _axis(res, step)
        values, known = _refine(field, values, known, coarse, lattice, level)
    return values


def _axis(res: int, step: int) -> Ints:
    """Grid indices of a lattice along one axis; the last point always belongs to it."""
    return np.unique(np.append(np.arange(0, res, step), res - 1))


def _ask(field: Field, lattice: Ints, wanted: Mask, values: Values) -> Values:
    if wanted.any():
        values[wanted] = field(lattice[np.argwhere(wanted)])
    return values


def _refine(field: Field, values: Values, known: Mask, coarse: Ints, fine: Ints, level: float) -> tuple[Values, Mask]:
    """Values on the lattice FINE from those on COARSE: cells crossed by the surface are asked for, over and over until none is left."""
    below = np.searchsorted(coarse, fine, side="right") - 1
    starts = np.searchsorted(fine, coarse)
    finer = values[np.ix_(below, below, below)]
    asked = np.zeros(finer.shape, bool)
    asked[np.ix_(starts, starts, starts)] = known
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


def _near(values: Values, level: float) -> Mask:
    """Per cell: could LEVEL be crossed within it, as far as the values at its corners differ?"""
    low = high = values
    for axis in range(3):
        lower, upper = (tuple(part if a == axis else slice(None) for a in range(3)) for part in (slice(-1), slice(1, None)))
        low, high = np.minimum(low[lower], low[upper]), np.maximum(high[lower], high[upper])
    return (high > low) & (2 * low - high < level) & (2 * high - low > level)


def _any(points: Mask, starts: Ints) -> Mask:
    """Per cell: is any of its points set, those on its boundary included? A cell spans two fine steps, the last one maybe one."""
    for axis in range(3):
        first, middle, last = (points.take(at, axis=axis) for at in (starts[:-1], starts[:-1] + 1, starts[1:]))
        points = first | middle | last
    return points


def _points(cells: Mask, starts: Ints, count: int) -> Mask:
    """Per point: does any cell that contains it, on its boundary or within, stand in CELLS?"""
    for axis in range(3):
        spread = np.zeros((*cells.shape[:axis], count, *cells.shape[axis + 1 :]), bool)
        for at in (starts[:-1], starts[:-1] + 1, starts[1:]):
            spread[(slice(None),) * axis + (at,)] |= cells
        cells = spread
    return cells
