"""Where the camera of a pass stood, where its points still are a picture: rows and columns of a
range grid, or directions from the frame's zero that lie on a raster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.rigid import Array

_SAMPLE = 5000
_SHARP = 0.5  # cells that points may lie beside the place that a pinhole would give them (median)
# sizes; a picture from farther off is as good as parallel, and tells its place badly
_FARTHEST = 10.0
# a scene thinner than this share of its size does not say where its picture was taken from
_FLAT = 0.02
_LOOKED_AT = 200_000  # points whose directions are compared
_SAME = 1e-5  # of the whole spread: directions that are one column of the raster
_ASIDE = 6.0  # times its distance ahead that a place in a picture may lie aside: 80 degrees
_TIMES = 8  # points in each column and row, on average, at the least


def place(points: Array, grid: NDArray[np.int32]) -> Array | None:
    """Place (3,) of the pinhole camera that put POINTS (N,3) into GRID (row, column); None where it
    was none, or all lie in a plane.

    The frame's own zero is tried first: most depth cameras write places as they see them.
    """
    some = slice(None, None, max(1, len(points) // _SAMPLE))
    places, cells = points[some], grid[some, ::-1].astype(np.float64)
    spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
    if len(places) < 50 or spread[2] < _FLAT * spread[0] or (np.ptp(cells, axis=0) < 4).any():
        return None
    if _beside(places, cells, places) is not None:
        return np.zeros(3)
    return _resected(places, cells)


def _resected(places: Array, cells: Array) -> Array | None:
    """The camera's place by the direct linear transform."""
    middle, size = places.mean(axis=0), float(np.abs(places - places.mean(axis=0)).max())
    near = np.column_stack([(places - middle) / size, np.ones(len(places))])
    matrix = _beside(places, cells, near)
    if matrix is None:
        return None
    centre = np.linalg.svd(matrix)[2][-1]
    if (
        abs(centre[3]) < 1e-6 * np.linalg.norm(centre)
        or np.linalg.norm(centre[:3] / centre[3]) > _FARTHEST
    ):
        return None
    return np.asarray(middle + size * centre[:3] / centre[3])


def _beside(places: Array, cells: Array, seen: Array) -> Array | None:
    """The matrix (3,C) that maps SEEN (N,C) to CELLS, where there is one that does it sharply and
    leaves all points on one side."""
    shift, scale = cells.mean(axis=0), np.ptp(cells, axis=0).max()
    u, v = ((cells - shift) / scale).T
    seen = seen / np.abs(seen).max()
    none = np.zeros_like(seen)
    rows = np.concatenate(
        [np.hstack([seen, none, -u[:, None] * seen]), np.hstack([none, seen, -v[:, None] * seen])]
    )
    values, vectors = np.linalg.eigh(rows.T @ rows)
    if values[1] < 1e-9 * values[-1] and seen.shape[1] == 4:
        return None  # more than one camera would do
    matrix = vectors[:, 0].reshape(3, -1)
    projected = seen @ matrix.T
    if not (np.all(projected[:, 2] > 0) or np.all(projected[:, 2] < 0)):
        return None
    off = (projected[:, :2] / projected[:, 2:] - np.stack([u, v], axis=1)) * scale
    return matrix if float(np.median(np.linalg.norm(off, axis=1))) < _SHARP else None


def is_zero(points: Array) -> bool:
    """Whether a camera or a scanner at the frame's zero saw POINTS (N,3): they have lost their
    grid, but their directions still lie on its columns and rows."""
    some = points[:: max(1, len(points) // _LOOKED_AT)]
    for ahead in (2, 1, 0):
        if (some[:, ahead] > 0).all() or (some[:, ahead] < 0).all():
            aside = np.delete(some, ahead, axis=1) / some[:, ahead, None]
            # beside a few that lie nearly square to the axis all others would be one direction
            if np.abs(aside).max() < _ASIDE and _is_raster(some, *aside.T):
                return True
    away = np.linalg.norm(some, axis=1)
    if not away.all():
        return False
    around = np.arctan2(some[:, 1], some[:, 0])
    return _is_raster(some, around, np.arcsin(np.clip(some[:, 2] / away, -1, 1)))


def _is_raster(points: Array, *directions: Array) -> bool:
    """Directions have few values, and two coordinates many: a raster of rays, not one of voxels
    (depths alone may be whole millimetres)."""
    few = max(map(_values, directions))
    return few < len(points) / _TIMES and few < sorted(map(_values, points.T))[1] / 2


def _values(column: Array) -> int:
    spread = float(np.ptp(column))
    return len(np.unique(np.rint(column / (spread * _SAME)))) if spread > 0 else 1
