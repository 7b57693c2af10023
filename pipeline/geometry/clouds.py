"""Point clouds as plain arrays: size, spacing, thinning, normals. Points are (N,3) float64, normals
(N,3) unit vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.rigid import Array


def diagonal(points: Array) -> float:
    """Size of a cloud: the diagonal between the 0.5 and 99.5 percentiles of its coordinates."""
    low, high = np.percentile(points, (0.5, 99.5), axis=0)
    return float(np.linalg.norm(high - low))


def narrowest(points: Array) -> float:
    """The least extent of a cloud, along its own axes."""
    some = points[:: max(1, len(points) // 4000)]
    own = (some - some.mean(0)) @ np.linalg.eigh(np.cov(some.T))[1]
    return float(np.ptp(np.percentile(own, (1, 99), axis=0), axis=0).min())


_NEIGHBOURS = 12  # of a point
# nearest neighbours that are this much nearer than the others' density says are the same point
# again
_TWINS = 0.2
# the distance of points spread evenly over a square of the cloud's size; no surface of it is denser
# than by this
_DENSEST = 0.002


def spacing(points: Array, sample: int = 4000) -> float:
    """Median distance to the nearest neighbour, from an even sample of the points (scipy k-d tree);
    points that stand several times, exactly or nearly, count once."""
    nearest, density = _near(points, sample)
    if len(nearest) and _repeat(nearest, density):
        nearest, _ = _near(points[_firsts(points, density)], sample)
    positive = nearest[nearest > 0]
    return float(np.median(positive)) if len(positive) else 0.0


def twins(points: Array, sample: int = 4000) -> NDArray[np.bool_] | None:
    """True for points that stand there again, where most points of the cloud do (two returns, a
    doubled export); None where not."""
    nearest, density = _near(points, sample)
    if not len(nearest) or not _repeat(nearest, density):
        return None
    again = np.ones(len(points), bool)
    again[_firsts(points, density)] = False
    return again


def _repeat(nearest: Array, density: float) -> bool:
    """Do most points stand there again?"""
    return bool(np.median(nearest) < _TWINS * density)


def _near(points: Array, sample: int) -> tuple[Array, float]:
    """Distance of a sample of the points to their nearest neighbours, and how far apart points are
    by the number around them."""
    from scipy.spatial import cKDTree

    if len(points) < 2:
        return np.zeros(0), 0.0
    probe = points[:: max(1, len(points) // sample)]
    count = min(_NEIGHBOURS, len(points) - 1)
    # few questions: a tree that is built quickly serves better than one that answers quickly
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    near = tree.query(probe, k=count + 1)[0][:, 1:]
    least = _DENSEST * diagonal(points) / np.sqrt(len(points))
    return near[:, 0], max(float(np.median(near[:, -1]) / np.sqrt(count)), least)


def _firsts(points: Array, density: float) -> NDArray[np.int64]:
    """Index of the first point in each cell far smaller than the distance of points, ascending."""
    keys = cells(
        points - points.min(axis=0),
        max(density * _TWINS, float(np.ptp(points, axis=0).max()) / (1 << 20)),
    )
    return np.sort(np.unique(keys, return_index=True)[1])


def cells(points: Array, cell: float) -> NDArray[np.int64]:
    """The key (N,) of the cell that each point falls in; cells are anchored at the frame's origin,
    2²¹ of them along an axis."""
    index = np.floor(points / cell).astype(np.int64) + (1 << 20)
    return np.asarray((np.clip(index, 0, (1 << 21) - 1) * np.array([1 << 42, 1 << 21, 1])).sum(1))


def thin(points: Array, cell: float, *extra: NDArray[Any]) -> tuple[Array, ...]:
    """One mean point per occupied cell, in key order; further (N,C) arrays are averaged alike, as
    float64."""
    order, starts, counts = _groups(cells(points, cell))
    return tuple(
        np.add.reduceat(a[order].astype(np.float64), starts) / counts[:, None]
        for a in (points, *extra)
    )


def thinned(points: Array, most: int) -> tuple[Array, NDArray[np.int64]]:
    """About MOST mean points (M,3) of a cloud that has more, one per occupied cell, and for each
    point (N,) the index of its own: what is found out about the few is handed up by it."""
    if len(points) <= most:
        return points, np.arange(len(points))
    cell = spacing(points) * np.sqrt(len(points) / most) * 1.2
    order, starts, counts = _groups(cells(points, cell))
    index = np.empty(len(points), np.int64)
    index[order] = np.repeat(np.arange(len(starts)), counts)
    return np.add.reduceat(points[order], starts) / counts[:, None], index


def _groups(
    keys: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    return order, starts, np.diff(np.r_[starts, len(keys)])


def unit(vectors: NDArray[Any]) -> Array:
    """Directions of length one; a zero vector becomes +z."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(
        np.where(length > 1e-12, vectors / np.maximum(length, 1e-12), [0.0, 0.0, 1.0])
    )


def normals(points: Array, radius: float, most: int = 30) -> Array:
    """Unit normals (N,3) of arbitrary sign from up to ``most`` neighbours within ``radius``
    (Open3D)."""
    cloud = as_open3d(points)
    import open3d as o3d

    cloud.estimate_normals(o3d.geometry.KDTreeSearchParamHybrid(radius, most))
    return unit(np.asarray(cloud.normals))


def as_open3d(points: Array, directions: Array | None = None) -> Any:
    """An Open3D point cloud; its messages are kept off the terminal."""
    import open3d as o3d

    o3d.utility.set_verbosity_level(o3d.utility.VerbosityLevel.Error)
    cloud = o3d.geometry.PointCloud(
        o3d.utility.Vector3dVector(np.ascontiguousarray(points, np.float64))
    )
    if directions is not None:
        cloud.normals = o3d.utility.Vector3dVector(np.ascontiguousarray(directions, np.float64))
    return cloud


def lonely(
    points: Array, neighbours: int = 16, deviations: float = 3.0, most: int = 300_000
) -> NDArray[np.bool_]:
    """True for points whose mean distance to their neighbours is far above the cloud's (statistical
    outliers). Of a cloud of more than MOST points the cells of about so many are judged, and their
    points with them."""
    from scipy.spatial import cKDTree

    few, index = thinned(points, most)
    if len(few) <= neighbours + 1:
        return np.zeros(len(points), bool)
    mean = cKDTree(few).query(few, k=neighbours + 1, workers=2)[0][:, 1:].mean(1)
    middle, spread = np.median(mean[index]), float(mean[index].std())
    away = mean > middle + deviations * max(spread, 0.5 * float(middle))
    # so many points in one cell are each other's neighbours
    away &= np.bincount(index, minlength=len(few)) <= neighbours
    return np.asarray(away[index])
