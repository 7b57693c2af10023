"""Which way is up, from what speaks most to what speaks least; the last ones are guesses and are
called so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.artefacts import Alignment, Scans
from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._planes import PlaneFit

_Z = np.array([0.0, 0.0, 1.0])
# cosine: a plane nearer than this to where cameras had up is the floor or a table, for cameras look
# down at things
_LEVEL = 0.7
# the vector area of all surface, share of its area: of a closed one it is zero, without a base it
# points away from that; of a single view it is much larger and tells nothing
_OPEN, _ONE_SIDED = 0.015, 0.42
_TOWARDS = 0.8  # cosine between an opening and the flat side that the hull has there
_ALIKE = np.cos(np.radians(3))  # facets of the hull that are one flat side
_STANDS = 0.35  # of the largest flat side: smaller ones are no base where nothing else speaks
_TURN = 10.0  # degrees between two passes, at the least, that tell a turntable's axis
_AXIS = 5.0  # degrees that their axes may be apart


class Up(NamedTuple):
    """axis in the common frame; source in words; guess: nothing but the shape says so."""

    axis: Array
    source: str
    guess: bool = False


def find(
    points: Array,
    normals: Array,
    planes: list[PlaneFit],
    support: PlaneFit | None,
    scans: Scans,
    alignment: Alignment,
) -> Up:
    """POINTS and NORMALS are those of the object, without what it stands on."""
    if (up := _of_cameras(scans, alignment)) is not None:
        level = [plane for plane in planes if abs(plane.normal @ up) > _LEVEL]
        if level:
            return Up(level[0].normal * np.sign(level[0].normal @ up), "cameras and level plane")
        return Up(up, "cameras")
    if support is not None:
        return Up(support.normal, "support plane")
    if scans.up_from and any(one.pose or one.survey for one in scans.passes):
        return Up(_Z, scans.up_from)
    lean = normals.mean(0)
    if (axis := _turntable(alignment)) is not None:
        return Up(axis if axis @ lean > 0 else -axis, "turntable axis")
    if any(plane.normal @ _Z > 0.99 for plane in planes):
        return Up(_Z, "level plane", guess=True)
    return _by_shape(points, lean)


def _of_cameras(scans: Scans, alignment: Alignment) -> Array | None:
    """The mean of where the cameras of frames had their pictures' upper edge: people hold them
    upright."""
    frames = {one.name for one in scans.passes if one.picture is not None}
    ups = [
        -np.asarray(one.pose)[:3, 1]
        for one in alignment.passes
        if one.pose is not None and one.name in frames
    ]
    if not ups or np.linalg.norm(mean := np.mean(ups, axis=0)) < 0.5:
        return None
    return np.asarray(mean / np.linalg.norm(mean))


def _turntable(alignment: Alignment) -> Array | None:
    """The axis about which all passes are turned against each other, either sign; None where they
    have none in common."""
    turns = [np.asarray(one.pose)[:3, :3] for one in alignment.passes if one.pose is not None]
    axes = []
    for number, a in enumerate(turns):
        for b in turns[number + 1 :]:
            between = a @ b.T
            if _TURN < rigid.degrees(between) < 180 - _TURN:
                axes.append(
                    clouds.unit(
                        np.array([[
                            between[2, 1] - between[1, 2],
                            between[0, 2] - between[2, 0],
                            between[1, 0] - between[0, 1],
                        ]])
                    )[0]
                )  # fmt: skip
    if len(turns) < 4 or len(axes) < 3:
        return None
    mean = np.linalg.eigh(np.transpose(axes) @ np.asarray(axes))[1][:, -1]
    apart = np.degrees(np.arccos(np.clip(np.abs(np.asarray(axes) @ mean), 0, 1)))
    return np.asarray(mean) if np.percentile(apart, 80) < _AXIS else None


def _by_shape(points: Array, lean: Array) -> Up:
    """The widest side that was never scanned is the base; else the object stands on one of its flat
    sides, the tallest way in which it is symmetric."""
    outside, area = _flat_sides(points)
    openness = float(np.linalg.norm(lean))
    if not len(outside):
        return Up(
            np.linalg.svd(points - points.mean(0), full_matrices=False)[2][-1], "resting", True
        )
    if _OPEN < openness < _ONE_SIDED:
        towards = outside @ (-lean / openness)
        fits = towards > _TOWARDS
        if fits.any():
            side = np.argmax(np.where(fits, area * towards, -1))
            return Up(-outside[side], "never-scanned base", guess=True)
    large = np.flatnonzero(area >= _STANDS * area.max())
    stands = [_height(points, outside[k]) * _symmetry(points, outside[k]) for k in large]
    # the larger side counts, too: a thin one is a base only for what is clearly upright on it
    best = large[int(np.argmax(np.asarray(stands) * np.sqrt(area[large])))]
    return Up(-outside[best], "resting", guess=True)


def _flat_sides(points: Array) -> tuple[Array, Array]:
    """Outward directions (S,3) of the flat sides of the convex hull on which the body would stand,
    and their areas (S,)."""
    from scipy.spatial import ConvexHull, QhullError

    some = points[:: max(1, len(points) // 20000)]
    try:
        hull = ConvexHull(some)
    except QhullError:
        return np.zeros((0, 3)), np.zeros(0)
    corners = hull.points[hull.simplices]
    area = 0.5 * np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    outside, left = hull.equations[:, :3], np.ones(len(area), bool)
    order = np.argsort(-_alike_area(outside, area), kind="stable")
    ways: list[Array] = []
    areas: list[float] = []
    for facet in order:
        if left[facet] and len(ways) < 24:
            own = outside @ outside[facet] > _ALIKE
            left &= outside @ outside[facet] < np.cos(np.radians(8))
            if _over(some, outside[facet], corners[own].reshape(-1, 3)):
                ways.append(outside[facet])
                areas.append(float(area[own].sum()))
    return np.array(ways).reshape(-1, 3), np.array(areas)


def _alike_area(outside: Array, area: Array) -> Array:
    """Per facet, the area of all that look nearly its way; by parts, a round hull has thousands."""
    parts = np.array_split(outside, len(outside) // 500 + 1)
    return np.concatenate([(part @ outside.T > _ALIKE) @ area for part in parts])


def _over(points: Array, down: Array, corners: Array) -> bool:
    """Whether the middle of the points lies over the base with CORNERS."""
    from scipy.spatial import ConvexHull, QhullError

    across = np.linalg.svd(down[None])[2][1:]
    try:
        edges = ConvexHull(corners @ across.T).equations
    except (QhullError, ValueError):
        return False
    middle = across @ points.mean(0)
    return bool((edges[:, :2] @ middle + edges[:, 2] <= 0).all())


def _height(points: Array, down: Array) -> float:
    return float(np.ptp(np.percentile(points @ down, (1, 99)))) / clouds.diagonal(points)


def _symmetry(points: Array, down: Array) -> float:
    """0..1: the share of the points that the best upright mirror brings onto others."""
    from scipy.spatial import cKDTree

    some = points[:: max(1, len(points) // 2000)]
    some = some - some.mean(0)
    tree, reach = cKDTree(some), 0.03 * clouds.diagonal(some)
    across = np.linalg.svd(down[None])[2][1:]
    best = 0.0
    for turn in np.arange(12) * np.pi / 12:
        mirror = np.cos(turn) * across[0] + np.sin(turn) * across[1]
        moved = some - 2 * np.outer(some @ mirror, mirror)
        best = max(best, float((tree.query(moved, distance_upper_bound=reach)[0] < reach).mean()))
    return best
