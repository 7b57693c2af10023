"""FlexiCubes (Shen et al. 2023) extraction: a dual mesh with one vertex per surface patch of a cube, placed by learned weights.

Corners of a cube: bit 0 of the number is x, bit 1 is y, bit 2 is z. Inside is s < 0; triangles face the outside.
All tables are derived from one rule: crossed edges that a face of the cube links belong to one patch.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

# Order inside a pair matters: the sign at the first corner decides which way a quad faces.
EDGES = np.array([(0, 1), (1, 5), (4, 5), (0, 4), (2, 3), (3, 7), (6, 7), (2, 6), (2, 0), (3, 1), (7, 5), (6, 4)])
FACES = [[corner for corner in range(8) if corner >> axis & 1 == side] for axis in range(3) for side in (0, 1)]
CORNERS = np.array([(c & 1, c >> 1 & 1, c >> 2 & 1) for c in range(8)])


class Tables(NamedTuple):
    """Per case (256 sets of inside corners): patch of each edge (-1: not crossed), number of patches, and, where exactly one face is
    ambiguous and there is one patch, that face's number (else -1)."""

    patch: Ints  # (256,12)
    count: Ints  # (256,)
    ambiguous: Ints  # (256,)


@cache
def tables() -> Tables:
    patch, count, ambiguous = np.full((256, 12), -1), np.zeros(256, int), np.full(256, -1)
    for case in range(256):
        inside = [bool(case >> corner & 1) for corner in range(8)]
        groups = _patches(inside)
        for number, group in enumerate(groups):
            patch[case, sorted(group)] = number
        count[case] = len(groups)
        faces = [face for face in range(6) if len(_crossed(face, inside)) == 4]
        if len(faces) == 1 and len(groups) == 1:
            ambiguous[case] = faces[0]
    return Tables(patch, count, ambiguous)


def _crossed(face: int, inside: list[bool]) -> list[int]:
    return [e for e, (a, b) in enumerate(EDGES) if a in FACES[face] and b in FACES[face] and inside[a] != inside[b]]


def _patches(inside: list[bool]) -> list[set[int]]:
    """Crossed edges of a cube in connected groups. A face with two crossed edges links them; with four, the two at each inside corner."""
    groups = [{e} for e, (a, b) in enumerate(EDGES) if inside[a] != inside[b]]
    for face in range(6):
        crossed = _crossed(face, inside)
        links = [crossed] if len(crossed) == 2 else [[e for e in crossed if c in EDGES[e]] for c in FACES[face] if inside[c] and len(crossed) == 4]
        for link in links:
            joined = [group for group in groups if group & set(link)]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return sorted((g for g in groups if g), key=min)


def grid_positions(res: int, scale: float) -> Floats:
    """Corner positions ((res+1)³,3) float32 of RES³ cubes that fill a cube of edge SCALE around the origin, x slowest."""
    # The rounding is the published grid's: it moves positions by up to 5e-6 of the edge.
    axis = (np.round(np.arange(res + 1) / res, 5) - 0.5).astype(np.float32) * np.float32(scale)
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)


def cube_corners(cubes: Ints, res: int) -> Ints:
    """Corner numbers (K,8) in the (res+1)³ grid of the cubes numbered CUBES (K,) in the res³ grid."""
    place = np.stack(np.unravel_index(cubes, (res, res, res)), axis=-1)[:, None] + CORNERS
    return np.ravel_multi_index(tuple(np.moveaxis(place, -1, 0)), (res + 1,) * 3)


def surface_cubes(sdf: Floats) -> Ints:
    """Numbers (K,), ascending, of the cubes of the grid sdf (R,R,R) that have corners on both sides."""
    inside = sdf < 0
    total = sum(inside[x : x - 1 or None, y : y - 1 or None, z : z - 1 or None].astype(np.int8) for x, y, z in CORNERS)
    return np.flatnonzero((total > 0) & (total < 8))


def flexicubes(sdf: Floats, positions: Floats, cubes: Ints, weights: Floats | None = None) -> tuple[Floats, Ints]:
    """The surface s = 0: vertices (V,3) float32 and triangles (F,3).

    sdf (R,R,R) with R = res+1, positions (R³,3) of the corners after deformation, cubes = surface_cubes(sdf),
    weights (K,21) raw numbers for just those cubes, or None for plain dual contouring by averages.
    """
    res = len(sdf) - 1
    corners = cube_corners(cubes, res)
    s, x = sdf.reshape(-1)[corners], positions[corners]  # (K,8), (K,8,3)
    beta, alpha, gamma = _activated(weights, len(cubes))
    patch = tables().patch[_cases(s < 0, cubes, res)]  # (K,12)
    vertices, dual = _dual_vertices(s * alpha, x, beta, patch)
    return vertices, _quads(corners, s, dual, gamma)


def _activated(weights: Floats | None, count: int) -> tuple[Floats, Floats, Floats]:
    """beta (K,12) per edge, alpha (K,8) per corner, gamma (K,) per cube."""
    if weights is None:
        return np.ones((count, 12), np.float32), np.ones((count, 8), np.float32), np.ones(count, np.float32)
    sigmoid = 1 / (1 + np.exp(-weights[:, 20]))
    return np.tanh(weights[:, :12]) * 0.5 + 1, np.tanh(weights[:, 12:20]) * 0.5 + 1, sigmoid * 0.5 + 0.25


def _cases(inside: NDArray[np.bool_], cubes: Ints, res: int) -> Ints:
    """Case (K,) of each cube; two cubes that share their only ambiguous face both take the complement, so that they agree on it."""
    case = inside @ (1 << np.arange(8))
    face = tables().ambiguous[case]
    place = np.stack(np.unravel_index(cubes, (res, res, res)), axis=-1)
    step = np.array([[(1 if side else -1) if axis == a else 0 for a in range(3)] for axis in range(3) for side in (0, 1)])
    other = place + np.where(face[:, None] >= 0, step[face], 0)
    candidate = (face >= 0) & ((other >= 0) & (other < res)).all(axis=1)
    number = np.ravel_multi_index(tuple(other[candidate].T), (res, res, res))
    at = np.searchsorted(cubes, number).clip(max=len(cubes) - 1)
    agreed = (cubes[at] == number) & (face[at] >= 0)
    flipped = case.copy()
    flipped[np.flatnonzero(candidate)[agreed]] = 255 - case[np.flatnonzero(candidate)[agreed]]
    return flipped


def _dual_vertices(s: Floats, x: Floats, beta: Floats, patch: Ints) -> tuple[Floats, Ints]:
    """Vertices (V,3), cube by cube and patch by patch, and which of them each cube's edge belongs to (K,12), -1 for none."""
    cube, edge = np.nonzero(patch >= 0)
    a, b = EDGES[edge].T
    sa, sb = s[cube, a], s[cube, b]
    crossing = (x[cube, a] * sb[:, None] - x[cube, b] * sa[:, None]) / (sb - sa)[:, None]
    first = np.concatenate([[0], np.cumsum(patch.max(axis=1, initial=-1) + 1)])
    owner = first[cube] + patch[cube, edge]
    share = beta[cube, edge].astype(np.float64)
    total = np.bincount(owner, share, minlength=first[-1])
    sums = np.stack([np.bincount(owner, share * crossing[:, i], minlength=first[-1]) for i in range(3)], axis=-1)
    dual = np.full(patch.shape, -1)
    dual[cube, edge] = owner
    return (sums / total[:, None]).astype(np.float32), dual


def _quads(corners: Ints, s: Floats, dual: Ints, gamma: Floats) -> Ints:
    """Two triangles (F,3) for every crossed grid edge with a surface cube on each of its four sides."""
    cube, edge = np.nonzero(dual >= 0)
    first, second = corners[cube, EDGES[edge, 0]], corners[cube, EDGES[edge, 1]]
    order = np.lexsort((cube, second, first))
    cube, edge, first, second = cube[order], edge[order], first[order], second[order]
    start = np.flatnonzero(np.r_[True, (np.diff(first) != 0) | (np.diff(second) != 0)])
    start = start[np.diff(np.r_[start, len(cube)]) == 4]
    around = start[:, None] + np.where((s[cube[start], EDGES[edge[start], 0]] > 0)[:, None], [0, 1, 3, 2], [2, 3, 1, 0])
    quad, g = dual[cube, edge][around], gamma[cube][around]
    even = (g[:, 0] * g[:, 2] > g[:, 1] * g[:, 3])[:, None]
    triangles = np.where(even, quad[:, [0, 1, 2, 0, 2, 3]], quad[:, [0, 1, 3, 3, 1, 2]])
    return triangles.reshape(-1, 3).astype(np.int32)
