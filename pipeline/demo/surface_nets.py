"""The surface of a body that is given by its distance function: Gibson's surface nets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def surface_nets(values: Array) -> tuple[Array, NDArray[np.int64]]:
    """Surface of a signed field (X,Y,Z), negative inside: vertices in grid units, triangles wound
    outward.

    Naive surface nets: one vertex in each cell that the surface crosses, at the mean of its edges'
    crossings.
    """
    shape = tuple(n - 1 for n in values.shape)
    total, count = np.zeros((*shape, 3)), np.zeros(shape)
    quads: list[tuple[int, NDArray[np.int64], NDArray[np.bool_]]] = []
    for axis in range(3):
        near, far = np.moveaxis(values, axis, 0)[:-1], np.moveaxis(values, axis, 0)[1:]
        crossed = (near < 0) != (far < 0)
        at = np.argwhere(crossed)  # (along, u, v) with u, v = the next two axes in order
        cut = near[crossed] / (near[crossed] - far[crossed])
        point = np.insert(at[:, 1:].astype(float), axis, at[:, 0] + cut, axis=1)
        around = []
        for du, dv in ((0, 0), (1, 0), (1, 1), (0, 1)):
            cell = np.insert(at[:, 1:] - (du, dv), axis, at[:, 0], axis=1)
            around.append(cell)
            np.add.at(total, tuple(cell.T), point)
            np.add.at(count, tuple(cell.T), 1)
        quads.append((axis, np.stack(around, axis=1), near[crossed] < 0))
    used = count > 0
    index = np.full(shape, -1)
    index[used] = np.arange(int(used.sum()))
    triangles = np.concatenate([_split(index, *quad) for quad in quads])
    return total[used] / count[used][:, None], triangles


def _split(
    index: NDArray[np.int64], axis: int, around: NDArray[np.int64], outward: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Quads of cells around crossed edges → triangles of vertex numbers, wound so that normals
    leave the inside."""
    corner = index[tuple(np.moveaxis(around, -1, 0))]
    flip = outward if axis == 1 else ~outward  # the pair of other axes is left-handed for y
    corner[flip] = corner[flip][:, ::-1]
    return np.concatenate([corner[:, [0, 1, 2]], corner[:, [0, 2, 3]]])
