"""Which of the two sides of a surface was seen, where no scanner's place is known: what a single
view, a room and a body have that the other cannot have."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _viewpoint

# bulge that tells inside from outside; of scenes, such as a table with things on it, it is near
# zero
CLEAR = 0.15
# metres that a room is high and wide: what is larger, closed and has walls was seen from inside,
# unless more speaks against it
ROOM = 2.0
_HIDDEN = 0.02  # share of points that no direction outside sees: then something stands within walls
# density falls by the square of the distance from a scanner that stood inside
_FALLS = -1.0
# of a survey, whose z is up: cosine from which surface is level, share of all that must be, and
# how much of that must agree
_LEVEL, _GROUND, _MOSTLY = 0.5, 0.15, 0.8
_ALONG = 0.985  # cosine between directions that count as one
_SAMPLE = 4000


class Known(NamedTuple):
    """What the drop says of a pass: metres that it measures where it is narrowest, and whether z is
    up by its format."""

    metres: float = 0.0
    level: bool = False


def of_one_view(points: Array, normals: Array, known: Known) -> Array:
    """The sign of NORMALS (N,3), which agree with one view: a survey was seen from above, a body
    bulges towards its camera, and of flat scenes the frame's zero may be where the camera was."""
    if known.level and (upward := _upward(normals)):
        return normals * upward
    turned = bulge(points, normals)
    if abs(turned) < CLEAR and (facing := _facing_zero(points, normals)):
        return normals * facing
    return normals if turned >= 0 else -normals


def _upward(normals: Array) -> int:
    """1 or -1 by which nearly all of what is level, ground and roofs, faces up; 0 where little is,
    or as much faces down: sills and soffits of a front."""
    level = normals[np.abs(normals[:, 2]) > _LEVEL, 2]
    if len(level) < _GROUND * len(normals):
        return 0
    up = float((level > 0).mean())
    return 1 if up > _MOSTLY else -1 if up < 1 - _MOSTLY else 0


def _facing_zero(points: Array, normals: Array) -> int:
    """1 or -1 where all the surface faces the frame's zero, which most depth cameras write from, or
    turns its back to it; else 0."""
    some = slice(None, None, max(1, len(points) // _SAMPLE))
    facing = (normals[some] * -clouds.unit(points[some])).sum(1)
    away = np.linalg.norm(points[some].mean(0)) > 0.3 * clouds.diagonal(points[some])
    if not away:
        return 0
    return 1 if (facing > 0.05).mean() > 0.98 else -1 if (facing < -0.05).mean() > 0.98 else 0


def seen_from(points: Array, direction: Array, place: Array, known: Known) -> bool:
    """Whether a scanner stood at PLACE within the points; False for a body, whose points a place in
    its middle would see as well."""
    if not _whole_outside(points):
        return True
    falls = _fall(points, place)
    if falls is not None and falls < _FALLS:
        return True
    return known.metres > ROOM and _has_walls(direction) and not _open_below(points, place)


def _has_walls(direction: Array) -> bool:
    """Whether most of the surface lies along three planes square to each other."""
    some = direction[:: max(1, len(direction) // 500)]
    alike = np.abs(some @ some.T)
    first = int((alike > _ALONG).sum(1).argmax())
    square = np.flatnonzero(alike[first] < 0.17)
    if not len(square):
        return False
    second = square[(alike[np.ix_(square, square)] > _ALONG).sum(1).argmax()]
    axes = np.stack([some[first], some[second], np.cross(some[first], some[second])])
    return bool((np.abs(some @ axes.T).max(1) > _ALONG).mean() > 0.6)


def _whole_outside(points: Array) -> bool:
    """Whether nearly every point is seen from some direction outside: of a room with furniture, the
    walls hide it."""
    from scipy import ndimage

    some = points[:: max(1, len(points) // _SAMPLE)]
    step = 2 * clouds.spacing(some)
    seen = np.zeros(len(some), bool)
    for axis in _viewpoint.hemisphere(40):
        flat = np.floor(some @ np.linalg.svd(axis[None])[2][1:].T / step).astype(np.int64)
        flat = np.minimum(flat - flat.min(0), 2000)
        for along in (some @ axis, -(some @ axis)):
            nearest = np.full(flat.max(0) + 1, -np.inf)
            np.maximum.at(nearest, tuple(flat.T), along)
            front = ndimage.maximum_filter(nearest, 3)[tuple(flat.T)]
            seen |= along > front - 3 * step
    return bool((~seen).mean() < _HIDDEN)


def _fall(points: Array, place: Array) -> float | None:
    """The power of the distance by which the density of points changes; None where all are about as
    far off."""
    from scipy.spatial import cKDTree

    some = points[:: max(1, len(points) // _SAMPLE)]
    far = np.log(np.maximum(np.linalg.norm(some - place, axis=1), 1e-12))
    if far.std() < 0.15:
        return None
    apart = cKDTree(points).query(some, k=9, workers=2)[0][:, -1]
    density = -2 * np.log(np.maximum(apart, 1e-12))
    return float(np.polyfit(far, density, 1)[0])


def _open_below(points: Array, place: Array) -> bool:
    """Whether nothing lies straight below PLACE and something does above it: a building seen from
    around, whose ground is missing."""
    slope = clouds.unit(points - place)[:, 2]
    return bool((slope < -0.8).mean() < 0.01 < (slope > 0.8).mean())


def outward(points: Array, normals: Array, known: Known = Known()) -> Array:  # noqa: B008
    """One sign for all: the ground of a survey faces up; an object seen from outside is more convex
    than hollow, its normals spread apart.

    Planes, such as a table top under the object, have no say: the sum runs over differences of
    normals.
    """
    if known.level and (upward := _upward(normals)):
        return normals * upward
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
