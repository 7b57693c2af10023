"""Meshes as sets: vertices matched by place, faces up to rotation and numbering."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def merged(vertices: Array, faces: Array) -> Any:
    """The trimesh mesh with equal vertices merged."""
    import trimesh

    return trimesh.Trimesh(vertices, faces, process=True)


def nearest(a: Array, b: Array) -> tuple[float, Array]:
    """Largest distance to the nearest neighbour, both ways, and for each of B the nearest of A."""
    from scipy.spatial import cKDTree

    if len(a) == 0 or len(b) == 0:
        return (0.0 if len(a) == len(b) else float("inf")), np.zeros(len(b), int)
    there, match = cKDTree(a).query(b)
    back, _ = cKDTree(b).query(a)
    return float(max(there.max(), back.max())), match


def nearest_of_box(vertices: Array, recorded: Array) -> float:
    """The largest distance as a share of the longest side of the box that holds the RECORDED mesh."""
    return (
        nearest(vertices, recorded)[0] / float(np.ptp(recorded, axis=0).max())
        if len(recorded)
        else nearest(vertices, recorded)[0]
    )


def face_difference(
    vertices: Array, faces: Array, other_vertices: Array, other_faces: Array
) -> float:
    """How many faces stand in only one of the two meshes. Coinciding vertices of the other mesh may be one of ours."""
    _, match = nearest(vertices, other_vertices)
    if len(vertices) == len(other_vertices) and len(np.unique(match)) != len(match):
        match = _in_order(vertices, other_vertices)
    ours, theirs = _rotated(faces), _rotated(match[other_faces])
    return float(sum(((ours - theirs) + (theirs - ours)).values()))


def _in_order(a: Array, b: Array) -> Array:
    """For each of B its match among A where several coincide: in the order of their places, then of their numbers."""
    order_a, order_b = (np.lexsort(np.round(p, 5).T) for p in (a, b))
    match = np.empty(len(b), int)
    match[order_b] = order_a
    return match


def snapped(values: Array, level: float, vertices: Array, within: float = 1e-4) -> Array:
    """Marching-cubes vertices (V,3) in grid indices as the recorder made them: where a grid value lies WITHIN the level, on that point."""
    low = np.floor(vertices + 1e-9).astype(int)
    high = np.ceil(vertices - 1e-9).astype(int)
    out = vertices.copy()
    for end in (low, high):
        close = np.abs(values[tuple(end.T)] - level) < within
        out[close] = end[close]
    return out


def _rotated(faces: Array) -> Counter[tuple[int, ...]]:
    """Faces as tuples that begin with their smallest index."""
    if not len(faces):
        return Counter()
    columns = (np.argmin(faces, axis=1)[:, None] + np.arange(3)) % 3
    return Counter(map(tuple, np.take_along_axis(faces, columns, axis=1).tolist()))
