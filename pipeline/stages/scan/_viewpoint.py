"""Where a pass was seen from, read off its shape: a camera sees only what faces it, and only the
nearest surface in each direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array

# What they come to on real sets: benchmarks/register.py.
_AROUND = 0.6  # of all directions in which a scanner within a room meets something
_SIDEWAYS = 0.2  # cosine to a picture's axis beyond which nothing is on it
_BEHIND = 0.3  # share of points behind others: more has two sides, like a hall or a box


def viewing_direction(points: Array, direction: Array, strays: float = 0.005) -> Array | None:
    """Axis from which one camera could have seen all of the surface, either sign; None for a pass
    seen from several sides.

    From a true axis no smooth patch turns its back: neighbours with like planes face it with like
    signs. Of many axes we take, among those (nearly) without such a conflict, the one that the
    surface faces most.
    """
    from scipy.spatial import cKDTree

    some = slice(None, None, max(1, len(points) // 5000))
    near = cKDTree(points[some]).query(points[some], k=5)[1][:, 1:]
    normals = direction[some].astype(np.float32)
    first, second = np.repeat(np.arange(len(near)), 4), near.ravel()
    like = (normals[first] * normals[second]).sum(1)
    smooth = (np.abs(like) > 0.8) & (first < second)
    if smooth.sum() < 100:
        return None
    one, two = normals[first[smooth]], normals[second[smooth]] * np.sign(like[smooth])[:, None]
    axes = hemisphere(250)
    conflict = _conflict(one, two, axes)
    if conflict.min() > 10 * strays:
        return None
    axes = _around(axes[np.argsort(conflict, kind="stable")[:12]])
    conflict = _conflict(one, two, axes)
    if conflict.min() > strays:
        return None
    good = axes[conflict <= conflict.min() + 0.002]
    best = np.asarray(
        good[np.argmax(np.abs(normals @ good.T.astype(np.float32)).mean(0))], np.float64
    )
    flat = (points[some] - points[some].mean(0)) / clouds.diagonal(points[some])
    return best if _overlaid(flat, 30 * best, 0.03, 0.1) < _BEHIND else None


def _conflict(one: NDArray[np.float32], two: NDArray[np.float32], axes: Array) -> Array:
    """Per axis, the share of neighbours that face it with opposite signs."""
    steep = axes.T.astype(np.float32)
    against = (one @ steep > 0) != (two @ steep > 0)
    return np.asarray(np.count_nonzero(against, axis=0) / len(one))


def _around(axes: Array, spread: float = 0.12) -> Array:
    """Each axis and eighteen more close to it."""
    offsets = spread * np.stack(np.meshgrid(*3 * [[-1.0, 0.0, 1.0]], indexing="ij"), -1).reshape(
        -1, 3
    )
    offsets = offsets[np.abs(offsets).sum(1) < 2.5 * spread]
    return clouds.unit((axes[:, None] + offsets[None]).reshape(-1, 3))


def hemisphere(many: int) -> Array:
    """Evenly spread axes (a Fibonacci spiral over half a sphere)."""
    k = np.arange(many) + 0.5
    z, turn = k / many, k * np.pi * (3 - 5**0.5)
    around = np.sqrt(1 - z * z)
    return np.stack([around * np.cos(turn), around * np.sin(turn), z], axis=1)


def sensor_origin_outside(points: Array, axis: Array) -> Array:
    """Place (3,) of the camera that saw a one-sided pass (at size 1) from about the direction
    ``axis``: where no point hides another.

    A camera far away is returned as a place 30 sizes off. Directions and distances are searched
    coarsely, then around the best.
    """
    some = points[:: max(1, len(points) // 6000)]
    middle = some.mean(0)
    across = np.linalg.svd(axis[None])[2][1:]
    sides = np.stack(np.meshgrid(*2 * [np.linspace(-0.3, 0.3, 5)], indexing="ij"), -1).reshape(
        -1, 2
    )
    tried = [(u, v, 1 / distance) for u, v in sides for distance in (30.0, 6.0, 3.5, 2.4, 1.7, 1.2)]
    step = np.array([0.075, 0.075, 0.12])
    scores: dict[tuple[float, float, float], float] = {}
    for _ in range(4):
        for one in tried:
            if one not in scores:
                scores[one] = _overlaid(some, _place(middle, axis, across, one))
        best = sorted(scores, key=lambda one: (scores[one], one))[:3]
        tried = [_limited(np.asarray(one) + step * offset) for one in best for offset in _STEPS]
        step = step / 2
    lowest = min(scores.values())
    good = np.array([one for one, score in scores.items() if score <= lowest + 0.0005])
    # the middle of all equally good ones
    chosen = good[np.argmin(np.linalg.norm((good - good.mean(0)) / [0.3, 0.3, 0.8], axis=1))]
    return _place(middle, axis, across, chosen)


_STEPS = np.concatenate([np.eye(3), -np.eye(3)])


def _limited(one: Array) -> tuple[float, float, float]:
    return float(one[0]), float(one[1]), float(np.clip(one[2], 1 / 30, 1.0))


def _place(
    middle: Array, axis: Array, across: Array, one: tuple[float, float, float] | Array
) -> Array:
    """Place from two slopes aside of the axis and an inverse distance."""
    aim = axis + one[0] * across[0] + one[1] * across[1]
    return np.asarray(middle + aim / np.linalg.norm(aim) / one[2])


def _overlaid(points: Array, place: Array, cell: float = 0.012, depth: float = 0.04) -> float:
    """Share of the points that lie well behind another one in the picture taken from this place."""
    apart = points - place
    aim = -apart.mean(0)
    far = np.linalg.norm(aim)
    across = np.linalg.svd(aim[None])[2][1:]
    along = -apart @ (aim / far)
    flat = np.floor(apart @ across.T / along[:, None] * (far / cell)).astype(np.int64)
    flat -= flat.min(0)
    key = flat[:, 0] * (flat[:, 1].max() + 1) + flat[:, 1]
    nearest = np.full(int(key.max()) + 1, np.inf)
    np.minimum.at(nearest, key, along)
    return float((along > nearest[key] + depth).mean())


def sensor_origin_inside(points: Array, most: float = 0.25) -> Array | None:
    """Place (3,) inside the cloud from which every direction shows one surface only; None where
    there is no such place.

    For scanners that stood in a room and looked all around. Candidates are a grid over the cloud,
    then finer around the best.
    """
    some = points[:: max(1, len(points) // 5000)]
    low, high = np.percentile(some, 1, axis=0), np.percentile(some, 99, axis=0)
    step = float((high - low).max()) / 14
    axes = [
        np.arange(a + step / 2, b, step) if b - a > step else np.array([(a + b) / 2])
        for a, b in zip(low, high, strict=True)
    ]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    hidden = np.array([_hidden(some, place) for place in places])
    for _ in range(4):
        best = places[np.argsort(hidden, kind="stable")[:3]]
        step /= 2
        offsets = np.stack(np.meshgrid(*3 * [[-step, 0.0, step]], indexing="ij"), -1).reshape(-1, 3)
        places = (best[:, None] + offsets[None]).reshape(-1, 3)
        hidden = np.array([_hidden(some, place) for place in places])
    return places[np.argmin(hidden)] if hidden.min() < most else None


def sensor_origin_within(points: Array) -> Array | None:
    """The same, where the points surround it on nearly all sides; None for a front, or a corner of
    a yard, which a camera outside may have seen as well."""
    place = sensor_origin_inside(points)
    if place is None:
        return None
    some = clouds.unit(points[:: max(1, len(points) // 5000)] - place)
    half = hemisphere(120)
    met = np.argmax(some @ np.concatenate([half, -half]).T, axis=1)
    return place if len(np.unique(met)) > _AROUND * 2 * len(half) else None


def ahead(points: Array, place: Array) -> bool:
    """Whether nearly all points lie in one direction from PLACE, so that one picture shows them."""
    rays = clouds.unit(points - place)
    aim = clouds.unit(rays.mean(0)[None])[0]
    return bool((rays @ aim > _SIDEWAYS).mean() > 0.99)


def _hidden(points: Array, place: Array, cell: float = 0.06) -> float:
    """Share of the points that others hide from this place; 1 where the points do not surround
    it."""
    apart = points - place
    distance = np.sqrt(rigid.dot(apart, apart))
    unit = apart / np.maximum(distance, 1e-12)[:, None]
    if np.linalg.norm(unit.mean(0)) > 0.6:
        return 1.0
    key = np.floor((np.arctan2(unit[:, 1], unit[:, 0]) + np.pi) / cell).astype(
        np.int64
    ) * 100 + np.floor(np.arccos(np.clip(unit[:, 2], -1, 1)) / cell).astype(np.int64)
    nearest = np.full(int(key.max()) + 1, np.inf)
    np.minimum.at(nearest, key, distance)
    return float((distance > 1.25 * nearest[key] + 1e-9).mean())
