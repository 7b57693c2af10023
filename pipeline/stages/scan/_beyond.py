"""Signed distances of points to a reference: averaged over neighbours, the places where they are
too large, and the mesh's vertices told by them. Lengths in the unit of the points."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Beyond
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._target import Target

_NEIGHBOURS = 8  # whose median stands for a point: noise is no deviation
_WIDE = 2.5  # spacings: points nearer than that belong to one place …
_INNER = 0.75  # … and stand inside it where so much of what lies around them does
_FEWEST = 8  # such points make a place
_MOST = 20  # places that are listed
_SEEN = 3.0  # spacings from a point within which the reference was seen


def smoothed(points: Array, off: Array) -> Array:
    """The median of each point's neighbours, itself among them."""
    from scipy.spatial import cKDTree

    many = min(_NEIGHBOURS, len(points))
    near = cKDTree(points).query(points, k=many, workers=2)[1].reshape(len(points), many)
    return np.asarray(np.median(off[near], axis=1))


def places(points: Array, off: Array, tolerance: float, spacing: float) -> tuple[Beyond, ...]:
    """Where the points lie beyond the tolerance, all around and not one by one; the farthest off
    first."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    tree, far = cKDTree(points), np.abs(off) > tolerance
    out = np.flatnonzero(far)
    if not len(out):
        return ()
    around = tree.query_ball_point(points[out], _WIDE * spacing, workers=2)
    inner = out[[float(far[near].mean()) >= _INNER for near in around]]
    if not len(inner):
        return ()
    pairs = cKDTree(points[inner]).query_pairs(2 * _WIDE * spacing, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs), bool), pairs.T), shape=(len(inner), len(inner)))
    label = connected_components(graph, directed=False)[1]
    found = []
    for number in np.unique(label):
        own = inner[label == number]
        if len(own) >= _FEWEST:
            found.append(_place(points[own], off[own], spacing))
    return tuple(sorted(found, key=lambda one: -abs(one.off))[:_MOST])


def _place(points: Array, off: Array, spacing: float) -> Beyond:
    worst = int(np.abs(off).argmax())
    x, y, z = (float(value) for value in points[worst])
    return Beyond(
        place=(x, y, z),
        off=float(off[worst]),
        width=float(np.linalg.norm(np.ptp(points, axis=0))),
        area=float(len(points) * spacing * spacing),
    )


def onto(vertices: Array, points: Array, off: Array, reach: float) -> Array:
    """(V,) what the nearest points tell of each vertex; NaN farther than REACH from any."""
    from scipy.spatial import cKDTree

    many = min(4, len(points))
    apart, near = cKDTree(points).query(vertices, k=many, workers=2)
    apart, near = apart.reshape(-1, many), near.reshape(-1, many)
    weight = 1 / np.maximum(apart, 1e-9 * reach)
    told = (off[near] * weight).sum(1) / weight.sum(1)
    return np.asarray(np.where(apart[:, 0] <= reach, told, np.nan))


def measured(target: Target, moved: Array, spacing: float) -> float:
    """Share of the reference's surface near which a point (N,3), in its frame, was measured."""
    from scipy.spatial import cKDTree

    some = target.off(moved[:: max(1, len(moved) // 5000)])
    # where the part is off, it was seen as well
    reach = max(_SEEN * spacing, 2 * float(np.percentile(np.abs(some), 99)))
    apart = cKDTree(moved).query(target.samples, distance_upper_bound=reach, workers=2)[0]
    return float((apart <= reach).mean())
