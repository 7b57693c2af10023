"""A scan onto a reference mesh: where does it fit, how well, and in how many ways?

Places are guessed from features and from the axes of both bodies, refined on their surfaces, then
on the reference's very triangles with weights that a dent or a burr does not move. What brings the
reference onto itself is tried too: a place counts as another way where the scan lies as well there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _hypotheses, _links, _prepared, _symmetry, _verify
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._target import Target

# Lengths are shares of the scan's size.
_MANY = 4_000  # points that take part where places are compared …
_ALL = 20_000  # … and in the last step
_ON = 0.015  # points nearer than that, with like normals, lie on the reference …
FITS = 0.7  # … which is so much of the scan where the two are one part
_COST = 0.01  # distance from which a point costs no more
_AS_WELL = 1.15  # times the cost of the best place that another way may cost …
_NOISE = 2e-4  # … and this distance besides
_APART = (8.0, 0.03)  # degrees and length between two ways
_REACHES = (0.03, 0.02, 0.015, 0.01, 0.008, 0.006, 0.005, 0.005, 0.005, 0.005)
_SPREAD = 4.685 * 1.4826  # of the median distance: Tukey's weight
_KEEP = 6  # places that are looked at closely
_BY_AXES = (0.1, 0.1, 0.08, 0.06)


@dataclass(frozen=True)
class Fit:
    """pose (4,4): the scan's frame → the reference's, both in the scan's unit; on: share of the
    scan that lies on the reference; ways: degrees or shares of the size to further places."""

    pose: Array
    on: float
    ways: tuple[float, ...] = ()


def fit(points: Array, normals: Array, target: Target, size: float) -> Fit:
    """The place where the scan (N,3), SIZE large, lies best on the reference."""
    scan, body = _bodies(points, normals, target, size)
    every = _some(_ALL, points, normals)
    points, normals = _some(_MANY, points, normals)
    guesses = np.concatenate([_hypotheses.motions(scan, body), _by_axes(scan, body)])
    links = _links.refined(0, 1, [scan, body], guesses, "features", _KEEP)
    if not links:
        return Fit(np.eye(4), 0.0)
    out = np.linalg.inv(_centring(body)) @ np.stack([one.pose for one in links]) @ _centring(scan)
    poses = [_closely(points, normals, pose, target, size) for pose in out]
    costs = [_cost(points, normals, pose, target, size) for pose in poses]
    best = int(np.argmin(costs))
    on = _on(points, normals, poses[best], target, size)
    if on < FITS:
        return Fit(poses[best], on)
    poses = [*_onto_itself(poses[best], body), poses[best], *poses]
    poses = [_closely(points, normals, pose, target, size) for pose in poses]
    found = _chosen(points, normals, poses, on, target, size)
    return replace(found, pose=_closely(*every, found.pose, target, size))


def _some(many: int, points: Array, normals: Array) -> tuple[Array, Array]:
    part = slice(None, None, max(1, len(points) // many))
    return points[part], normals[part]


def _chosen(
    points: Array, normals: Array, poses: list[Array], on: float, target: Target, size: float
) -> Fit:
    """The best place, and those in which the scan lies as well."""
    costs = [_cost(points, normals, pose, target, size) for pose in poses]
    best = int(np.argmin(costs))
    limit = _AS_WELL * costs[best] + _NOISE**2
    middle, told = points.mean(0), list[float]()
    kept = [poses[best]]
    for k in np.argsort(costs, kind="stable"):
        apart = [rigid.difference(poses[k], pose, middle) for pose in kept]
        if costs[k] <= limit and all(
            angle > _APART[0] or shift > _APART[1] * size for angle, shift in apart
        ):
            kept.append(poses[k])
            angle, shift = apart[0]
            told.append(float(round(angle)) if angle > _APART[0] else round(shift / size, 2))
    return Fit(poses[best], on, tuple(sorted(told)))


def _bodies(
    points: Array, normals: Array, target: Target, size: float
) -> tuple[Prepared, Prepared]:
    scan = _prepared.prepare("scan", points, normals, size, seen=False)
    made = target.samples, target.sample_normals
    return scan, _prepared.prepare("reference", *made, size, seen=False)


def _centring(one: Prepared) -> Array:
    matrix = np.eye(4) / one.size
    matrix[:3, 3] = -one.centre / one.size
    matrix[3, 3] = 1
    return matrix


def _by_axes(scan: Prepared, body: Prepared) -> Array:
    """Motions (H,4,4) that lay the axes of one body's faces and shape onto the other's."""
    found = []
    for first, second in zip(_frames(scan), _frames(body), strict=False):
        for order in itertools.permutations(range(3)):
            for signs in itertools.product((1.0, -1.0), repeat=3):
                turn = second[:, order] * signs @ first.T
                if np.linalg.det(turn) > 0:
                    pose = np.eye(4)
                    pose[:3, :3] = turn
                    pose[:3, 3] = _middle(body, second) - turn @ _middle(scan, first)
                    found.append(pose)
    return _verify.refine(scan, body, np.stack(found), _BY_AXES)


def _frames(one: Prepared) -> list[Array]:
    """Three axes each (columns): of the shape, and of the largest faces where there are two."""
    flat = one.coarse - one.coarse.mean(0)
    found = [np.linalg.eigh(flat.T @ flat)[1]]
    faces = _symmetry.faces(one)
    if len(faces) >= 2:
        axes = np.stack([*faces[:2], np.cross(faces[0], faces[1])]).T
        found.insert(0, np.linalg.qr(axes)[0])
    return found[::-1]


def _middle(one: Prepared, frame: Array) -> Array:
    return np.asarray(frame @ np.percentile(one.coarse @ frame, (1, 99), axis=0).mean(0))


def _onto_itself(pose: Array, body: Prepared) -> list[Array]:
    """The same place after each motion that brings the reference onto itself."""
    found = _symmetry.find(body, [])
    if found is None:
        return []
    centring = _centring(body)
    moved = np.linalg.inv(centring) @ found.motions[1:] @ centring
    return [motion @ pose for motion in moved]


def _closely(points: Array, normals: Array, pose: Array, target: Target, size: float) -> Array:
    """Refined on the triangles, point to plane, by what lies near and faces the same way."""
    for reach in _REACHES:
        moved, turned = rigid.apply(pose, points), rigid.turn(pose, normals)
        place, facing = target.nearest(moved)
        off = ((moved - place) * facing).sum(1)
        near = np.linalg.norm(moved - place, axis=1) < reach * size
        near &= (turned * facing).sum(1) > _prepared.ALIKE
        if near.sum() < 50:
            return pose
        spread = max(_SPREAD * float(np.median(np.abs(off[near]))), 1e-5 * size)
        weight = np.where(near, np.maximum(1 - (off / spread) ** 2, 0) ** 2, 0.0)
        middle = moved.mean(0)
        rows = np.concatenate([np.cross((moved - middle) / size, facing), facing], 1)
        normal = (rows * weight[:, None]).T @ rows
        twist = np.linalg.solve(
            normal + 1e-9 * np.trace(normal) * np.eye(6), -(rows * weight[:, None]).T @ off
        )
        step = rigid.exponential(np.r_[twist[:3] / size, 0, 0, 0])
        step[:3, 3] = middle - step[:3, :3] @ middle + twist[3:]
        pose = step @ pose
    return pose


def _cost(points: Array, normals: Array, pose: Array, target: Target, size: float) -> float:
    """Mean square distance as a share of the size, no point more than _COST."""
    moved, turned = rigid.apply(pose, points), rigid.turn(pose, normals)
    place, facing = target.nearest(moved)
    far = np.linalg.norm(moved - place, axis=1) / size
    far = np.where((turned * facing).sum(1) > 0, np.minimum(far, _COST), _COST)
    return float((far * far).mean())


def _on(points: Array, normals: Array, pose: Array, target: Target, size: float) -> float:
    moved, turned = rigid.apply(pose, points), rigid.turn(pose, normals)
    place, facing = target.nearest(moved)
    like = (turned * facing).sum(1) > _prepared.ALIKE
    return float((like & (np.linalg.norm(moved - place, axis=1) < _ON * size)).mean())
