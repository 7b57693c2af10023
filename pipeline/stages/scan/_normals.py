"""Oriented normals of one pass: direction by local planes, sign by what is known about where it was
seen from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _side, _viewpoint
from pipeline.stages.scan._side import Known

_MOST = 60_000  # points that take part; the others take the normal of their cell
_NEIGHBOURS = 20
_AGREE = 0.97  # of neighbours whose normals a file gives: then its signs were made on purpose


def oriented(
    points: Array,
    scanner: Array | None,
    grid: NDArray[Any] | None,
    given: NDArray[Any] | None,
    known: Known = Known(),  # noqa: B008
) -> Array:
    """Unit normals (N,3) whose signs agree and, but for a scanner that stood inside, point away
    from the object."""
    base, cell = clouds.thinned(points, _MOST)
    step = clouds.spacing(base)
    direction = clouds.normals(base, 5 * step)
    if scanner is not None:
        signed = _toward(direction, scanner - base)
    elif grid is not None:
        nearest = _nearest(points, base)
        signed = _by_grid(base, _toward(direction, _grid_normals(points, grid)[nearest]))
    elif given is not None:
        nearest = _nearest(points, base)
        signed = _as_given(base, direction, np.asarray(given, np.float64)[nearest], known)
    else:
        signed = propagated(base, direction, known)
    return np.asarray(signed[cell])


def _nearest(points: Array, base: Array) -> NDArray[np.int64]:
    """Index (M,) of the point next to each of BASE (M,3)."""
    from scipy.spatial import cKDTree

    if base is points:
        return np.arange(len(points))
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    return np.asarray(tree.query(base, workers=2)[1])


def _by_grid(points: Array, normals: Array) -> Array:
    """The side of the grid's picture; the other one where the grid is mirrored, which only a cloud
    with a clear bulge can tell."""
    return -normals if _side.bulge(points, normals) < -_side.CLEAR else normals


def _as_given(points: Array, direction: Array, given: Array, known: Known) -> Array:
    """The signs that a file brought, where neighbours agree about them; a thing too small to be
    looked at from inside is turned where they all point into it."""
    from scipy.spatial import cKDTree

    signed = _toward(direction, given)
    near = cKDTree(points).query(points, k=2)[1][:, 1]
    alike = (signed * signed[near]).sum(1)[np.abs((direction * direction[near]).sum(1)) > 0.9]
    if not _agree(direction, given) or (alike > 0).mean() < _AGREE:
        return propagated(points, direction, known)
    return signed if known.metres > _side.ROOM else _side.outward(points, signed)


def _toward(direction: Array, aim: Array) -> Array:
    return np.asarray(direction * np.where((direction * aim).sum(1) < 0, -1.0, 1.0)[:, None])


def _agree(direction: Array, given: NDArray[Any]) -> bool:
    """Whether the normals a file brought lie along the surface's own."""
    return bool(np.median(np.abs((direction * clouds.unit(given)).sum(1))) > 0.8)


def propagated(points: Array, direction: Array, known: Known) -> Array:
    """Signs when nothing tells: the side one camera must have seen, the place
    a scanner must have stood at, else spread from tangent plane to tangent plane (Open3D)."""
    if known.metres > _side.ROOM:
        within = _viewpoint.sensor_origin_within(points)
        if within is not None and _side.seen_from(points, direction, within, known):
            return _toward(direction, within - points)
    view = _viewpoint.viewing_direction(points, direction)
    if view is not None:
        toward = _toward(direction, np.broadcast_to(view, direction.shape))
        return _side.of_one_view(points, toward, known)
    place = _viewpoint.sensor_origin_inside(points)
    if place is not None and _side.seen_from(points, direction, place, known):
        return _toward(direction, place - points)
    cloud = clouds.as_open3d(points, direction)
    try:
        cloud.orient_normals_consistent_tangent_plane(_NEIGHBOURS)
    except RuntimeError:  # too few or flat points for its triangulation
        return _side.outward(points, direction, known)
    return _side.outward(points, np.asarray(cloud.normals), known)


def _grid_normals(points: Array, grid: NDArray[Any]) -> Array:
    """Cross product of the steps to the next row and column; zero where a neighbour is missing."""
    rows, columns = grid[:, 0].astype(np.int64), grid[:, 1].astype(np.int64)
    place = np.full((rows.max() + 2, columns.max() + 2), -1, np.int64)
    place[rows, columns] = np.arange(len(points))
    down, right = place[rows + 1, columns], place[rows, columns + 1]
    cross = np.cross(points[down] - points, points[right] - points)
    cross[(down < 0) | (right < 0)] = 0
    return np.asarray(cross)
