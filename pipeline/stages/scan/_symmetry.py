"""Motions that bring a body onto itself, found on its passes as they stand together; at size 1.

A body that fits onto itself lets every pass of it stand in several places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _hypotheses, _prepared, _slips, _verify
from pipeline.stages.scan._prepared import NEAR, Prepared
from pipeline.stages.scan._slips import Slip

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_SLIPS = 0.6  # of the surface of a group that is not settled yet must slip
_SLIDES = 0.8  # the same where no two passes slip, and of what slides: edges must be few
_ENOUGH = 0.5  # of the body that a motion must lay onto itself
_ROUGH = 0.75  # share of that which a motion must reach before it is refined
_WHOLE = 0.85  # the same where it slips as well: only what is alike from above and below
# times the distance of the body's points to themselves, which is noise, that a motion may leave: a
# round body lies about on itself after any small turn
_SHARP = 3.5
FACE, _SHAPE = 0.5, 50  # weight up to which a point is one of a large plane's; others, that tell
_PART = 0.05  # of a body's points that a face has at least
_FLAT, _ASIDE = 0.97, 0.9  # cosine between two normals of one face; to those of the next, at most
_NEARBY = 0.75  # times the reach: how far off the surface itself a point may lie that is on it
_CLEAN = 0.0003  # of the size: less noise than this counts as this much
# lengths: how far off motions are weighed that are refined, and the reach of each step of that
_ROUGHLY, _COARSELY = 0.04, (0.1, 0.1, 0.08, 0.06, 0.04, 0.03)
_FINELY = (0.03, 0.02, 0.015, 0.015, 0.01, 0.01)  # lengths: reach of each step of refinement
# degrees and length by which a motion done twice may stray from the place where it lays the body:
# a square block 0.8 and 0.02, two bodies of lumps 9 and 15 degrees
_WANDERS = (5.0, 0.04)
_MOST = 12  # such motions beside a slip's
# degrees of the turns that are tried
_ANGLES = (180.0, 90.0, -90.0, 120.0, -120.0, 60.0, -60.0, 72.0, -72.0, 144.0, -144.0)
_BESIDE = (35.0, 0.15)  # the same between two of a slip's that lie beside each other
APART = (15.0, 0.06)  # degrees, or shares of the size, between two motions that are not one


@dataclass(frozen=True)
class Symmetry:
    """motions (H,4,4) of the common frame, identity first; product (H,H) and back (H,) are the
    indices of what two of them, and the inverse of one, come to (-1: none of them)."""

    motions: Array
    product: NDArray[np.int64]
    back: NDArray[np.int64]
    body: Prepared
    slip: Slip | None
    slips: int  # so many of the motions, the first ones, are the slip's
    centre: Array

    def without(self, gone: NDArray[np.bool_]) -> Symmetry | None:
        """The others of the motions; None where none but the identity is left."""
        kept = np.flatnonzero(~gone)
        if len(kept) < 2:
            return None
        return _of(self.motions[kept], self.body, self.slip, self.slips, self.centre)

    def apart(self, index: int, other: int) -> tuple[float, float]:
        """Degrees and distance between two of the motions."""
        return rigid.difference(self.motions[index], self.motions[other], self.centre)

    def same(self, index: int) -> NDArray[np.bool_]:
        """Which motions are about the same as this one."""
        return np.array([
            angle < APART[0] and shift < APART[1]
            for angle, shift in (self.apart(index, k) for k in range(len(self.motions)))
        ])  # fmt: skip

    def beside(self, index: int) -> NDArray[np.bool_]:
        """Which motions of the slip are a small turn or slide from this one."""
        near = [self.apart(index, k) for k in range(self.slips)]
        steps = [angle < _BESIDE[0] and shift < _BESIDE[1] for angle, shift in near]
        return np.array(steps + [False] * (len(self.motions) - self.slips))


def find(body: Prepared, proposed: list[Array], loose: bool = False) -> Symmetry | None:
    """What brings the body onto itself, if anything: turns about and slides along what it slips on,
    and single turns about its own axes or among those that are ``proposed``."""
    centre = np.asarray(body.weight @ body.coarse / max(float(body.weight.sum()), 1e-9))
    slip = _slips.find(body.coarse, body.coarse_normals, body.weight, _SLIPS if loose else _SLIDES)
    if slip is not None and not slip.turns and slip.share < _SLIDES:
        slip = None
    motions = [np.eye(4)] if slip is None else [slip.motion(amount) for amount in slip.amounts()]
    slips = len(motions)
    single = [*proposed, *_turns(body, centre)]
    if slip is not None and slip.turns:
        single.append(slip.over(centre))
    for motion in _onto_itself(body, np.stack(single), _ENOUGH if slip is None else _WHOLE):
        for one in (motion, rigid.invert(motion)):
            if not _listed(one, motions, centre):
                motions.append(one)
    if len(motions) == 1:
        return None
    return _of(np.stack(motions[: 36 + _MOST]), body, slip, slips, centre)


def _of(listed: Array, body: Prepared, slip: Slip | None, slips: int, centre: Array) -> Symmetry:
    product = _index(np.einsum("iab,jbc->ijac", listed, listed), listed, centre)
    back = _index(_verify.inverse(listed), listed, centre)
    return Symmetry(listed, product, back, body, slip, slips, centre)


def _turns(body: Prepared, centre: Array) -> list[Array]:
    """Turns about the axes of the body's shape and of its largest faces, through its middle."""
    flat = (body.coarse - centre) * np.sqrt(body.weight)[:, None]
    axes = np.stack([*np.linalg.eigh(flat.T @ flat)[1].T, *faces(body)])
    bent = body.weight > FACE
    shape = body.coarse[bent] if bent.sum() > _SHAPE else body.coarse
    frame = np.linalg.qr(axes[3:6].T)[0] if len(axes) >= 6 else np.eye(3)
    middle = frame @ (np.percentile(shape @ frame, (2, 98), axis=0).mean(0))
    return [
        Slip(True, axis, point, 1.0).motion(angle)
        for axis in axes
        for point in (centre, middle)
        for angle in _ANGLES
    ]


def faces(body: Prepared, most: int = 4) -> list[Array]:
    """Directions in which much of the surface looks, or looks away."""
    normals = body.coarse_normals
    found: list[Array] = []
    left = np.ones(len(normals), bool)
    while len(found) < most and left.sum() > _PART * len(normals):
        some = normals[left][:: max(1, int(left.sum()) // 150)]
        alike = np.abs(some @ normals[left].T) > _FLAT
        axis = some[int(alike.sum(1).argmax())]
        near = np.abs(normals @ axis) > _FLAT
        if near.sum() < _PART * len(normals):
            break
        pointing = normals[near] * np.sign(normals[near] @ axis)[:, None]
        found.append(clouds.unit(pointing.mean(0)[None])[0])
        left &= np.abs(normals @ axis) < _ASIDE
    return found


def _onto_itself(body: Prepared, motions: Array, least: float) -> list[Array]:
    """Of these, refined, the ones that lay enough of the body onto itself, the best first."""
    rough = near(body, body, motions, _ROUGHLY) @ body.weight
    motions = motions[np.argsort(-rough, kind="stable")[:60]]
    motions = _verify.refine(body, body, motions, _COARSELY)
    share = _share(body, motions)
    some = motions[share > _ROUGH * least]
    if not len(some):
        return []
    ranks = np.argsort(np.argsort(share[share > _ROUGH * least], kind="stable"), kind="stable")
    some = _hypotheses.distinct(some, ranks, _MOST + 2)
    some = _verify.refine(body, body, some, _FINELY, dense=True)
    share, gaps = _share(body, some), _gaps(body, np.concatenate([np.eye(4)[None], some]))
    true = (gaps[1:] < _SHARP * max(gaps[0], _CLEAN)) & _repeats(body, some)
    return [some[k] for k in np.argsort(-share, kind="stable") if true[k] and share[k] > least]


def _repeats(body: Prepared, motions: Array) -> NDArray[np.bool_]:
    """Which of these may be done twice: what brings a body onto itself does so again, and where it
    has no more surface there, nothing says otherwise. A lump that lies on another wanders off."""
    twice = motions @ motions
    refined = _verify.refine(body, body, twice, _FINELY, dense=True)
    centre = body.coarse.mean(0)
    apart = [rigid.difference(*pair, centre) for pair in zip(twice, refined, strict=True)]
    return np.array([angle < _WANDERS[0] and shift < _WANDERS[1] for angle, shift in apart])


def _share(body: Prepared, motions: Array) -> Array:
    """Of the body that each motion lays onto itself."""
    return np.asarray(_verify.look(body, body, motions)[0] @ body.weight / body.weight.sum())


def _gaps(body: Prepared, motions: Array) -> Array:
    """Median distance that each motion leaves between the body and itself, where it is no mere
    plane."""
    like, _, _, plane, _ = _verify.look(body, body, motions)
    bent = body.weight > FACE
    telling = bent if bent.sum() > _SHAPE else body.weight > 0
    return np.array([
        float(np.median(gap[at & telling])) if (at & telling).any() else np.inf
        for gap, at in zip(plane, like, strict=True)
    ])  # fmt: skip


def near(one: Prepared, body: Prepared, poses: Array, reach: float = NEAR) -> NDArray[np.bool_]:
    """Per pose and coarse point, whether it lies on the body."""
    moved = rigid.apply(poses, one.coarse)
    index = body.lookup.query(moved)
    apart = moved - body.fine[index]
    plane = np.abs((apart * body.fine_normals[index]).sum(-1))
    return np.asarray(
        (index >= 0) & ((apart * apart).sum(-1) < reach * reach) & (plane < _NEARBY * reach)
    )


def _listed(motion: Array, motions: list[Array], centre: Array) -> bool:
    return any(
        angle < APART[0] and shift < APART[1]
        for angle, shift in (rigid.difference(motion, one, centre) for one in motions)
    )


def _index(motions: Array, listed: Array, centre: Array) -> NDArray[np.int64]:
    """Of each motion (…,4,4) the place in the list of the one that it is about; -1 where none."""
    trace = np.einsum("...ab,hab->...h", motions[..., :3, :3], listed[:, :3, :3])
    place = motions[..., :3, :3] @ centre + motions[..., :3, 3]
    away = np.linalg.norm(
        place[..., None, :] - (listed[:, :3, :3] @ centre + listed[:, :3, 3]), axis=-1
    )
    cost = np.arccos(np.clip((trace - 1) / 2, -1, 1)) / np.radians(APART[0]) + away / APART[1]
    best = cost.argmin(-1)
    return np.asarray(np.where(cost.min(-1) < 1.0, best, -1))


def body_of(passes: list[Prepared], poses: dict[int, Array]) -> Prepared:
    """All passes of a group as one, without features and camera."""
    points = np.concatenate([rigid.apply(pose, passes[k].fine) for k, pose in poses.items()])
    normals = np.concatenate(
        [rigid.turn(pose, passes[k].fine_normals) for k, pose in poses.items()]
    )
    return _prepared.bare(points, normals)
