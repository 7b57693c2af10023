"""Marching cubes over the cells that the surface crosses only. How a cell is cut is asked of
PyMCubes, once for each of the 256 cases."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

# bit 0 of a corner's number is x
CORNERS = np.array([(c & 1, c >> 1 & 1, c >> 2 & 1) for c in range(8)])


def marching_cubes(
    values: NDArray[np.floating[Any]] | Tensor, level: float
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The surface of a grid (R,R,R) where values cross LEVEL: vertices (V,3) in grid indices,
    triangles (F,3) that face low values.

    VALUES may lie on a GPU; the work is done where they are. Vertices are shared, one on each
    crossed edge of the grid.
    """
    import torch

    above = torch.as_tensor(values) - level
    size = above.shape
    place, edge = _crossings(above > 0)
    shape = torch.tensor([size[1] * size[2], size[2], 1], device=above.device)
    # (M,4): the edge's lower corner in the cell, and its axis
    ends = torch.from_numpy(_edges()).to(above.device)[edge]
    number = ((place + ends[:, :3]) @ shape) * 3 + ends[:, 3]
    number, faces = torch.unique(number, return_inverse=True)
    lower, axis = number // 3, number % 3
    flat = above.reshape(-1)
    near, far = flat[lower].double(), flat[lower + shape[axis]].double()
    vertices = torch.stack(
        [lower // shape[0], lower // size[2] % size[1], lower % size[2]], dim=1
    ).double()
    vertices[torch.arange(len(axis), device=axis.device), axis] += near / (near - far)
    return vertices.cpu().numpy(), faces.reshape(-1, 3).to(torch.int32).cpu().numpy()


def _crossings(inside: Tensor) -> tuple[Tensor, Tensor]:
    """For every corner of every triangle, cell by cell: the cell's place (M,3) and the number (M,)
    of the edge of it that it lies on."""
    import torch

    case = torch.zeros([edge - 1 for edge in inside.shape], dtype=torch.uint8, device=inside.device)
    for bit, (x, y, z) in enumerate(CORNERS):
        case |= (
            inside[x : x - 1 or None, y : y - 1 or None, z : z - 1 or None].to(torch.uint8) << bit
        )
    place = ((case > 0) & (case < 255)).nonzero()
    edges = torch.from_numpy(_triangles()).to(inside.device)[case[tuple(place.T)].long()]
    cell, corner = (edges >= 0).nonzero(as_tuple=True)
    return place[cell], edges[cell, corner].long()


@cache
def _triangles() -> NDArray[np.int8]:
    """Edges (256,15) that the corners of each case's triangles lie on, three and three, then -1."""
    import mcubes

    table = np.full((256, 15), -1, np.int8)
    number = {tuple(row): k for k, row in enumerate(_edges().tolist())}
    for case in range(256):
        values = np.zeros((2, 2, 2))
        values[tuple(CORNERS.T)] = np.where(case >> np.arange(8) & 1, 1.0, -1.0)
        # The axes are turned so that a cube is cut into the same triangles as by TripoSR's
        # published extraction.
        middles, faces = mcubes.marching_cubes(np.ascontiguousarray(values.transpose(2, 0, 1)), 0.0)
        middles = middles[:, [1, 2, 0]]
        rows = (
            np.column_stack([np.floor(middles), np.argmax(middles == 0.5, axis=1)])
            .astype(int)
            .tolist()
            if len(faces)
            else []
        )
        cut = [number[tuple(rows[vertex])] for vertex in faces.reshape(-1)]
        table[case, : len(cut)] = cut
    return table


@cache
def _edges() -> NDArray[np.int64]:
    """The 12 edges of a cell (12,4): its lower corner and its axis."""
    return np.array(
        [(*corner, axis) for axis in range(3) for corner in CORNERS if corner[axis] == 0]
    )
