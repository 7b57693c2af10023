"""FlexiCubes (Shen et al. 2023) extraction: a dual mesh with one vertex per surface patch of a
cube, placed by learned weights.

Corners of a cube: bit 0 of the number is x, bit 1 is y, bit 2 is z. Inside is s < 0; triangles face
the outside. All tables are derived from one rule: crossed edges that a face of the cube links
belong to one patch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.networks.instantmesh.flexicubes_tables import CORNERS, EDGES, Ints, tables

Floats = NDArray[np.floating[Any]]


class Duals(NamedTuple):
    crossings: Floats  # (E,3): where edges are crossed
    owner: Ints  # (E,): the dual vertex each crossing pulls at
    vertices: Floats  # (V,3)
    of_edge: Ints  # (K,12): the dual vertex at each edge of each cube, -1 where it is not crossed


def grid_positions(res: int, scale: float) -> Floats:
    """Corner positions ((res+1)³,3) float32 of RES³ cubes that fill a cube of edge SCALE around the
    origin, x slowest."""
    # The rounding is the published grid's: it moves positions by up to 5e-6 of the edge.
    axis = (np.round(np.arange(res + 1) / res, 5) - 0.5).astype(np.float32) * np.float32(scale)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def cube_corners(cubes: Ints, res: int) -> Ints:
    """Corner numbers (K,8) in the (res+1)³ grid of the cubes numbered CUBES (K,) in the res³
    grid."""
    x, y, z = np.unravel_index(cubes, (res, res, res))
    first = (x * (res + 1) + y) * (res + 1) + z
    numbers: Ints = first[:, None] + CORNERS @ [(res + 1) ** 2, res + 1, 1]
    return numbers


def surface_cubes(sdf: Floats) -> Ints:
    """Numbers (K,), ascending, of the cubes of the grid sdf (R,R,R) that have corners on both
    sides."""
    inside = sdf < 0
    total = sum(
        inside[x : x - 1 or None, y : y - 1 or None, z : z - 1 or None].astype(np.int8)
        for x, y, z in CORNERS
    )
    return np.flatnonzero((total > 0) & (total < 8))


def flexicubes(
    sdf: Floats, positions: Floats, cubes: Ints, weights: Floats | None = None
) -> tuple[Floats, Ints]:
    """The surface s = 0: vertices (V,3) float32 and triangles (F,3).

    sdf (R,R,R) with R = res+1, positions (R³,3) of the corners after deformation, cubes =
    surface_cubes(sdf), weights (K,21) raw numbers for just those cubes, or None for plain dual
    contouring by averages.
    """
    found = duals(sdf, positions, cubes, weights)
    gamma = (
        np.ones(len(cubes), np.float32)
        if weights is None
        else 0.5 / (1 + np.exp(-weights[:, 20])) + 0.25
    )
    return found.vertices, _quads(
        cube_corners(cubes, len(sdf) - 1), sdf.reshape(-1), found.of_edge, gamma
    )


def duals(sdf: Floats, positions: Floats, cubes: Ints, weights: Floats | None = None) -> Duals:
    """The dual vertices of surface cubes, cube by cube and patch by patch; arguments as of
    `flexicubes`."""
    res = len(sdf) - 1
    corners = cube_corners(cubes, res)
    s, x = sdf.reshape(-1)[corners], positions[corners]  # (K,8), (K,8,3)
    patch = tables().patch[_cases(s < 0, cubes, res)]  # (K,12)
    beta: Floats = np.ones((len(cubes), 12), np.float32)
    if weights is not None:
        beta, alpha = np.tanh(weights[:, :12]) * 0.5 + 1, np.tanh(weights[:, 12:20]) * 0.5 + 1
        s = s * alpha
    cube, edge = np.nonzero(patch >= 0)
    a, b = EDGES[edge].T
    sa, sb = s[cube, a][:, None], s[cube, b][:, None]
    crossings = (x[cube, a] * sb - x[cube, b] * sa) / (sb - sa)
    first = np.concatenate([[0], np.cumsum(patch.max(axis=1, initial=-1) + 1)])
    owner = first[cube] + patch[cube, edge]
    of_edge = np.full(patch.shape, -1)
    of_edge[cube, edge] = owner
    return Duals(crossings, owner, _mean(crossings, beta[cube, edge], owner, first[-1]), of_edge)


def _mean(points: Floats, shares: Floats, owner: Ints, count: int) -> Floats:
    """Weighted means (count,3) of the points of each owner."""
    total = np.bincount(owner, shares, minlength=count)
    sums = [np.bincount(owner, shares * points[:, axis], minlength=count) for axis in range(3)]
    return (np.stack(sums, axis=-1) / total[:, None]).astype(np.float32)


def _cases(inside: NDArray[np.bool_], cubes: Ints, res: int) -> Ints:
    """Case (K,) of each cube; two cubes that share their only ambiguous face both take the
    complement, so that they agree on it."""
    case = inside @ (1 << np.arange(8))
    face = tables().ambiguous[case]
    place = np.stack(np.unravel_index(cubes, (res, res, res)), axis=-1)
    step = np.array(
        [
            [(1 if side else -1) if axis == a else 0 for a in range(3)]
            for axis in range(3)
            for side in (0, 1)
        ]
    )
    other = place + np.where(face[:, None] >= 0, step[face], 0)
    candidate = (face >= 0) & ((other >= 0) & (other < res)).all(axis=1)
    number = np.ravel_multi_index(tuple(other[candidate].T), (res, res, res))
    at = np.searchsorted(cubes, number).clip(max=len(cubes) - 1)
    agreed = (cubes[at] == number) & (face[at] >= 0)
    flipped = case.copy()
    flipped[np.flatnonzero(candidate)[agreed]] = 255 - case[np.flatnonzero(candidate)[agreed]]
    return flipped


def _quads(corners: Ints, s: Floats, of_edge: Ints, gamma: Floats) -> Ints:
    """Two triangles (F,3) for every crossed grid edge with a surface cube on each of its four
    sides; s (R³,) of the grid points."""
    cube, edge = np.nonzero(of_edge >= 0)
    first, second = corners[cube, EDGES[edge, 0]], corners[cube, EDGES[edge, 1]]
    order = np.lexsort((cube, second, first))
    cube, edge, first, second = cube[order], edge[order], first[order], second[order]
    start = np.flatnonzero(np.r_[True, (np.diff(first) != 0) | (np.diff(second) != 0)])
    start = start[np.diff(np.r_[start, len(cube)]) == 4]
    around = start[:, None] + np.where((s[first[start]] > 0)[:, None], [0, 1, 3, 2], [2, 3, 1, 0])
    quad, g = of_edge[cube, edge][around], gamma[cube][around]
    even = (g[:, 0] * g[:, 2] > g[:, 1] * g[:, 3])[:, None]
    triangles = np.where(even, quad[:, [0, 1, 2, 0, 2, 3]], quad[:, [0, 1, 3, 3, 1, 2]])
    faces: Ints = triangles.reshape(-1, 3).astype(np.int32)
    return faces
