"""Planes in a cloud with normals, found by seeded sampling; and which of them is what the object
stands on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.rigid import Array

_CANDIDATES = 400
_ABOVE = 0.02  # share of the points that must stand on a support
_BELOW = 0.02  # share of the others that may lie below it
_WIDER = 1.25  # times the footprint of what stands on it that a support must reach
_ALIKE = 0.95  # cosine between the plane's normal and its points'


@dataclass(frozen=True)
class PlaneFit:
    """n·p + offset = 0, n pointing the way its points' normals do; inside marks the points that lie
    on it."""

    normal: Array
    offset: float
    inside: NDArray[np.bool_]

    def height(self, points: Array) -> Array:
        return np.asarray(points @ self.normal + self.offset)


def find(
    points: Array, normals: Array, thickness: float, seed: int, least: float = 0.03, most: int = 8
) -> list[PlaneFit]:
    """Planes that hold at least the share ``least`` of the points, the largest first."""
    rng = np.random.default_rng(seed)
    free = np.ones(len(points), bool)
    found: list[PlaneFit] = []
    while len(found) < most and free.sum() > least * len(points):
        plane = _largest(points, normals, free, thickness, rng)
        if plane is None or plane.inside.sum() < least * len(points):
            break
        found.append(plane)
        free &= ~plane.inside
    return found


def _largest(
    points: Array,
    normals: Array,
    free: NDArray[np.bool_],
    thickness: float,
    rng: np.random.Generator,
) -> PlaneFit | None:
    where = np.flatnonzero(free)
    probe = where[:: max(1, len(where) // 6000)]
    seeds = rng.choice(where, _CANDIDATES)
    heights = points[probe] @ normals[seeds].T - (points[seeds] * normals[seeds]).sum(1)
    votes = ((np.abs(heights) < 2 * thickness) & (normals[probe] @ normals[seeds].T > _ALIKE)).sum(
        0
    )
    start = seeds[np.argmax(votes)]
    normal, offset = normals[start], -float(points[start] @ normals[start])
    inside = np.zeros(len(points), bool)
    for reach in (2 * thickness, 1.5 * thickness, thickness):
        inside = free & (np.abs(points @ normal + offset) < reach) & (normals @ normal > _ALIKE)
        if inside.sum() < 10:
            return None
        middle = points[inside].mean(0)
        flat = np.linalg.eigh(np.cov((points[inside] - middle).T))[1][:, 0]
        normal = flat if flat @ normal > 0 else -flat
        offset = -float(middle @ normal)
    return PlaneFit(normal, offset, inside)


def support(planes: list[PlaneFit], points: Array, thickness: float) -> PlaneFit | None:
    """The plane an object stands on, if any.

    It faces the object (an object's own base faces away from it), nothing worth mentioning lies
    below it, and it reaches well beyond the footprint of what stands on it (a room's floor does
    not).
    """
    for plane in planes:
        height = plane.height(points)
        above = height > 4 * thickness
        rest = ~plane.inside & (np.abs(height) > 4 * thickness)
        if above.sum() < _ABOVE * len(points) or (height[rest] < 0).mean() > _BELOW:
            continue
        axes = np.linalg.svd(plane.normal[None])[2][1:]
        if _area(points[plane.inside] @ axes.T) > _WIDER * _area(points[above] @ axes.T):
            return plane
    return None


def _area(flat: Array) -> float:
    """Area of the convex outline of points (N,2), without the outermost hundredth."""
    from scipy.spatial import ConvexHull, QhullError

    middle = np.median(flat, axis=0)
    apart = np.linalg.norm(flat - middle, axis=1)
    try:
        # in the plane, "volume" is the area
        return float(ConvexHull(flat[apart <= np.percentile(apart, 99)]).volume)
    except (QhullError, ValueError):
        return 0.0
