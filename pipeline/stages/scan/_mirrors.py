"""The axis of revolution and the mirror planes of a finished body, and how much of its surface each
of them brings onto itself."""

from __future__ import annotations

import itertools

import numpy as np

from pipeline.artefacts import Axis, Mirror, Symmetry
from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _prepared, _slips, _symmetry, _viewpoint
from pipeline.stages.scan._prepared import NEAR, Prepared
from pipeline.stages.scan._reflections import MIRRORED, Reflection, held, onto, settled
from pipeline.stages.scan._slips import Slip

_REVOLVES = 0.85  # of the surface that must turn about an axis of revolution
_EXACT = 0.0005  # length: noise is taken to be no less, whatever made the points
_BESIDE = 0.94  # cosine to the normal of a plane within which a start leads to that
_SAME = 0.97  # cosine between the normals of planes that are one
_MOST = 9  # planes that are told: a cube's
_TRIED = 16  # directions that are refined
_MANY = 20_000  # points that take part
_FEW = 500  # so few say nothing
_ALONG = 0.3  # sine between a way and an axis of revolution below which no plane is across both
_MARKS = 15  # points beside an axis of revolution that tell one plane through it


def find(points: Array, normals: Array, way: Array | None = None) -> Symmetry | None:
    """What brings the body (points and outward normals (N,3)) onto itself, in the frame and unit of
    its points: the axis of revolution, if it has exactly one, and up to nine mirror planes, the
    best first; None where there are too few points to say.

    Of the planes through an axis of revolution only one that something beside it (a handle) tells
    is named, for all of them mirror the rest. What could as well stand elsewhere (a plane of a flat
    wall, an axis of a ball) is not named; of the planes across WAY (3,), or nearly, the one that
    mirrors the body is named last, though others would as well.
    """
    some = slice(None, None, max(1, len(points) // _MANY))
    middle, size = np.median(points[some], axis=0), clouds.diagonal(points[some])
    flat = (points[some] - middle) / max(size, 1e-300)
    near = np.linalg.norm(flat, axis=1) < 1.5  # strays aside
    if near.sum() < _FEW or size <= 0:
        return None
    body = _prepared.bare(flat[near], clouds.unit(normals[some][near]))
    axis = _slips.axis_of(body.coarse, body.coarse_normals, _REVOLVES)
    noise = max(float(np.median(np.abs(onto(body, None, NEAR)[1]))), _EXACT)
    planes = _planes(body, axis, noise)[:_MOST]
    last = None if way is None else _across(body, axis, clouds.unit(way[None])[0], noise)
    if last is not None and all(abs(last.normal @ one.normal) <= _SAME for one in planes):
        planes.append(last)
    return _listed(axis, planes, middle, size)


def _across(body: Prepared, axis: Slip | None, way: Array, noise: float) -> Reflection | None:
    """The plane about across WAY that mirrors the body: through an axis of revolution any does,
    what stands beside that aside."""
    if axis is None:
        return settled(body, Reflection(way, _middle(body, way)), noise)
    normal = way - (way @ axis.axis) * axis.axis
    if (length := float(np.linalg.norm(normal))) < _ALONG:
        return None
    normal = normal / length
    return Reflection(normal, float(normal @ axis.point), axis.share)


def _planes(body: Prepared, axis: Slip | None, noise: float) -> list[Reflection]:
    """The mirror planes, the best first."""
    tried = [
        Reflection(one, _middle(body, one) if axis is None else float(one @ axis.point))
        for one in _directions(body, axis)
    ]
    tried.sort(key=lambda one: -onto(body, one, 0.05)[0].mean())
    if axis is not None:
        tried.insert(0, Reflection(axis.axis, _middle(body, axis.axis)))
    found: list[Reflection] = []
    left = _TRIED
    for start in tried:
        if not left or any(abs(start.normal @ other.normal) > _BESIDE for other in found):
            continue
        left -= 1
        one = settled(body, start, noise)
        if one is None or any(abs(one.normal @ other.normal) > _SAME for other in found):
            continue
        if _told(body, one, axis):
            found.append(one)
    return sorted(found, key=lambda one: -one.score)


def _middle(body: Prepared, way: Array) -> float:
    """Midway between the body's two ends in a direction; a mean would lean to where points are
    dense."""
    return float(np.percentile(body.coarse @ way, (1, 99)).mean())


def _directions(body: Prepared, axis: Slip | None) -> list[Array]:
    """In which a plane's normal may point: across the axis; else along the body's own axes, its
    faces and midway between these, and everywhere."""
    if axis is not None:
        across = np.linalg.svd(axis.axis[None])[2][1:]
        turns = np.radians(np.arange(0, 180, 5.0))
        return [np.cos(turn) * across[0] + np.sin(turn) * across[1] for turn in turns]
    flat = body.coarse - body.coarse.mean(0)
    own = np.linalg.eigh(flat.T @ flat)[1].T
    faces = _symmetry.faces(body)
    pairs = itertools.combinations(faces, 2)
    between = [clouds.unit(way[None])[0] for a, b in pairs for way in (a + b, a - b)]
    return [*own, *faces, *between, *_viewpoint.hemisphere(120)]


def _told(body: Prepared, one: Reflection, axis: Slip | None) -> bool:
    """Whether the surface says that it is this plane and no other near it; of planes through an
    axis of revolution, what stands beside that does."""
    like = onto(body, one, NEAR)[0]
    if axis is None or abs(one.normal @ axis.axis) > _SAME:
        return held(body, one, like)
    marks = ~_symmetry.near(body, body, axis.motion(90.0)[None])[0]
    return bool(marks.sum() >= _MARKS and like[marks].mean() > MIRRORED)


def _listed(axis: Slip | None, planes: list[Reflection], middle: Array, size: float) -> Symmetry:
    """In the frame and unit of the points, each by the place nearest to the body's middle."""
    axes = [
        Axis(
            origin=_triple(middle + size * (one.point - (one.point @ one.axis) * one.axis)),
            direction=_triple(_signed(one.axis)),
            score=one.share,
        )
        for one in (axis,)
        if one is not None
    ]
    mirrors = [
        Mirror(
            origin=_triple(middle + size * one.offset * one.normal),
            normal=_triple(_signed(one.normal)),
            score=one.score,
        )
        for one in planes
    ]
    return Symmetry(axes=tuple(axes), planes=tuple(mirrors))


def _signed(axis: Array) -> Array:
    """Of the two signs the one that makes the largest component positive."""
    return np.asarray(axis * np.sign(axis[np.abs(axis).argmax()]) + 0.0)


def _triple(vector: Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z
