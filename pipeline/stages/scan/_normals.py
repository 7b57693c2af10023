"""Oriented normals of one pass: direction by local planes, sign by what is known about where it was
seen from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _viewpoint

_MOST = 60_000  # points that take part; the others take the normal of their nearest one
_NEIGHBOURS = 20
# bulge that tells inside from outside; of scenes, such as a table with things on it, it is near
# zero
_CLEAR = 0.15


def oriented(
    points: Array, scanner: Array | None, grid: NDArray[Any] | None, given: NDArray[Any] | None
) -> Array:
    """Unit normals (N,3) whose signs agree and, but for a scanner that stood inside, point away
    from the object."""
    from scipy.spatial import cKDTree

    base = _base(points)
    step = clouds.spacing(base)
    direction = clouds.normals(base, 5 * step)
    nearest = cKDTree(points).query(base, workers=2)[1]
    if scanner is not None:
        signed = _toward(direction, scanner - base)
    elif grid is not None:
        signed = _by_grid(base, _toward(direction, _grid_normals(points, grid)[nearest]))
    elif given is not None:
        signed = (
            outward(base, _toward(direction, np.asarray(given, np.float64)[nearest]))
            if _agree(direction, given[nearest])
            else propagated(base, direction)
        )
    else:
        signed = propagated(base, direction)
    if len(base) == len(points):
        return signed
    return np.asarray(signed[cKDTree(base).query(points, workers=2)[1]])


def _by_grid(points: Array, normals: Array) -> Array:
    """The side of the grid's picture; the other one where the grid is mirrored, which only a cloud
    with a clear bulge can tell."""
    return -normals if bulge(points, normals) < -_CLEAR else normals


def _base(points: Array) -> Array:
    if len(points) <= _MOST:
        return points
    cell = clouds.spacing(points) * np.sqrt(len(points) / _MOST) * 1.2
    return clouds.thin(points, cell)[0]


def _toward(direction: Array, aim: Array) -> Array:
    return np.asarray(direction * np.where((direction * aim).sum(1) < 0, -1.0, 1.0)[:, None])


def _agree(direction: Array, given: NDArray[Any]) -> bool:
    """Whether the normals a file brought lie along the surface's own."""
    return bool(np.median(np.abs((direction * clouds.unit(given)).sum(1))) > 0.8)


def outward(points: Array, normals: Array) -> Array:
    """One sign for all: an object seen from outside is more convex than hollow, its normals spread
    apart.

    Planes, such as a table top under the object, have no say: the sum runs over differences of
    normals.
    """
    return normals if bulge(points, normals) >= 0 else -normals


def bulge(points: Array, normals: Array) -> float:
    """Positive where the normals of neighbours spread apart, negative where they converge (-1..1).

    Neighbours are a few hundredths of the size apart: farther off, an object and the table behind
    it look hollow together.
    """
    from scipy.spatial import cKDTree

    some = slice(None, None, max(1, len(points) // 3000))
    p, n = points[some], normals[some]
    near = cKDTree(p).query(p, k=min(17, len(p)))[1][:, 1:]
    step = p[near] - p[:, None]
    spread = ((n[near] - n[:, None]) * step).sum(-1) / np.maximum(
        np.linalg.norm(step, axis=-1), 1e-12
    )
    return float(spread.sum() / max(np.abs(spread).sum(), 1e-12))


def propagated(points: Array, direction: Array) -> Array:
    """Signs when nothing tells: the side one camera must have seen, the place
    a scanner must have stood at, else spread from tangent plane to tangent plane (Open3D)."""
    view = _viewpoint.viewing_direction(points, direction)
    if view is not None:
        return outward(points, _toward(direction, np.broadcast_to(view, direction.shape)))
    place = _viewpoint.standpoint(points)
    if place is not None:
        return _toward(direction, place - points)
    cloud = clouds.as_open3d(points, direction)
    try:
        cloud.orient_normals_consistent_tangent_plane(_NEIGHBOURS)
    except RuntimeError:  # too few or flat points for its triangulation
        return outward(points, direction)
    return outward(points, np.asarray(cloud.normals))


def _grid_normals(points: Array, grid: NDArray[Any]) -> Array:
    """Cross product of the steps to the next row and column; zero where a neighbour is missing."""
    rows, columns = grid[:, 0].astype(np.int64), grid[:, 1].astype(np.int64)
    place = np.full((rows.max() + 2, columns.max() + 2), -1, np.int64)
    place[rows, columns] = np.arange(len(points))
    down, right = place[rows + 1, columns], place[rows, columns + 1]
    cross = np.cross(points[down] - points, points[right] - points)
    cross[(down < 0) | (right < 0)] = 0
    return np.asarray(cross)
