"""Where a pass was seen from, read off its shape: a camera sees only what faces it, and only the nearest surface in each direction."""

from __future__ import annotations

import numpy as np

from pipeline.geometry.rigid import Array


def viewing_direction(points: Array, direction: Array, strays: float = 0.005) -> Array | None:
    """Axis from which one camera could have seen all of the surface, either sign; None for a pass seen from several sides.

    From a true axis no smooth patch turns its back: neighbours with like planes face it with like signs. Of 1000 axes we take the
    middle of those (nearly) without such a conflict.
    """
    from scipy.spatial import cKDTree

    some = slice(None, None, max(1, len(points) // 6000))
    near = cKDTree(points[some]).query(points[some], k=7)[1][:, 1:]
    normals = direction[some]
    first, second = np.repeat(np.arange(len(near)), 6), near.ravel()
    like = (normals[first] * normals[second]).sum(1)
    smooth = np.abs(like) > 0.8
    first, second, sign = first[smooth], second[smooth], np.sign(like[smooth])
    if len(first) < 100:
        return None
    axes = _hemisphere(1000)
    facing = normals @ axes.T
    conflict = ((facing[first] * facing[second] * sign[:, None]) < 0).mean(0)
    best = float(conflict.min())
    if best > strays:
        return None
    seen = np.abs(facing).mean(0)  # of equally good axes the one the surface faces most
    good = np.flatnonzero(conflict <= best + 0.002)
    return np.asarray(axes[good[np.argmax(seen[good])]])


def _hemisphere(many: int) -> Array:
    """Evenly spread axes (a Fibonacci spiral over half a sphere)."""
    k = np.arange(many) + 0.5
    z, turn = k / many, k * np.pi * (3 - 5**0.5)
    around = np.sqrt(1 - z * z)
    return np.stack([around * np.cos(turn), around * np.sin(turn), z], axis=1)


def standpoint(points: Array, most: float = 0.25) -> Array | None:
    """Place (3,) inside the cloud from which every direction shows one surface only; None where there is no such place.

    For scanners that stood in a room and looked all around. Candidates are a grid over the cloud, then finer around the best.
    """
    some = points[:: max(1, len(points) // 5000)]
    low, high = np.percentile(some, 1, axis=0), np.percentile(some, 99, axis=0)
    step = float((high - low).max()) / 14
    axes = [np.arange(a + step / 2, b, step) if b - a > step else np.array([(a + b) / 2]) for a, b in zip(low, high, strict=True)]
    places = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    hidden = np.array([_hidden(some, place) for place in places])
    for _ in range(4):
        best = places[np.argsort(hidden, kind="stable")[:3]]
        step /= 2
        offsets = np.stack(np.meshgrid(*3 * [[-step, 0.0, step]], indexing="ij"), -1).reshape(-1, 3)
        places = (best[:, None] + offsets[None]).reshape(-1, 3)
        hidden = np.array([_hidden(some, place) for place in places])
    return places[np.argmin(hidden)] if hidden.min() < most else None


def _hidden(points: Array, place: Array, cell: float = 0.06) -> float:
    """Share of the points that others hide from this place; 1 where the points do not surround it."""
    apart = points - place
    distance = np.linalg.norm(apart, axis=1)
    unit = apart / np.maximum(distance, 1e-12)[:, None]
    key = np.floor((np.arctan2(unit[:, 1], unit[:, 0]) + np.pi) / cell).astype(np.int64) * 100 + np.floor(np.arccos(np.clip(unit[:, 2], -1, 1)) / cell).astype(np.int64)
    nearest = np.full(int(key.max()) + 1, np.inf)
    np.minimum.at(nearest, key, distance)
    if np.linalg.norm(unit.mean(0)) > 0.6:
        return 1.0
    return float((distance > 1.25 * nearest[key] + 1e-9).mean())
