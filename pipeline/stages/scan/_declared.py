"""Passes that stand together already by what their files say: survey coordinates, a named
coordinate system, the scanners' poses, or surfaces that go on from one pass into the next. At size
1.

Such a claim is evidence, not a command: it is weighed on the surfaces like any other placement. It
falls where a pass lies in what another scanner looked through, or where the surfaces fit far better
nearby. What is claimed and too little overlaps to be confirmed is placed, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pipeline.artefacts import Pass, Scans
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _joint, _verify
from pipeline.stages.scan._graph import CERTAIN, SAME, Group
from pipeline.stages.scan._links import PairLink, agree
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared
from pipeline.stages.scan._verify import Evidence

# What they come to on real sets: benchmarks/register.py.
_THROUGH = 0.12  # of the surface that another camera looked through: it does not stand there
_ASIDE = 0.25  # length between the middles of passes that show a body's parts side by side
_MEETS = 0.03  # of the surface that such passes share at the least …
_ALIKE = 0.6  # … with so much of what lies close along it
_TIGHT = 0.002  # … and no wider a gap between them, length
_ONE_SPOT = 0.02  # length: scanners nearer than this stood in one place
_CLOSER = 0.8  # share of the gap that passes leave where the files put them
_NEARBY = (20.0, 0.15)  # degrees and length: a better place this near corrects a rough pose


@dataclass(frozen=True)
class Claim:
    """Where the files say that their passes stand: poses (normalised pass → common frame at size 1)
    by index, and the links that these come to; sure: a file says it, not the shape alone."""

    poses: dict[int, Array]
    links: list[PairLink]
    sure: bool

    def held(self, a: int, b: int) -> bool:
        return a in self.poses and b in self.poses


def claim(scans: Scans, usable: list[Pass], passes: list[Prepared]) -> Claim | None:
    """What the files of two or more passes say, where nothing that their scanners saw speaks
    against it."""
    said = _said(scans, usable)
    some = said or list(range(len(usable)))
    if len(some) < 2:
        return None
    poses = {k: _frame(usable[k], passes[k], passes[some[0]].centre) for k in some}
    links = []
    for a, b in combinations(some, 2):
        pose = rigid.invert(poses[b]) @ poses[a]
        if (
            _through(usable[b], passes[b], passes[a], pose)
            or _through(usable[a], passes[a], passes[b], rigid.invert(pose))
            or _one_spot(usable[a], usable[b], passes[a], passes[b], pose)
        ):
            return None
        seen = _evidence(passes[a], passes[b], pose)
        links.append(PairLink(a, b, pose, seen, "given", declared=bool(said)))
    if not said and not _goes_on(some, passes, poses, links):
        return None
    return Claim(poses, links, bool(said))


def refuted(claimed: Claim, links: list[PairLink]) -> bool:
    """Whether the surfaces fit far better in another place near the claimed one."""
    for link in links:
        if link.score < CERTAIN or link.loose or not claimed.held(link.a, link.b):
            continue
        own = next(one for one in claimed.links if (one.a, one.b) == (link.a, link.b))
        angle, shift = rigid.difference(link.pose, own.pose, np.zeros(3))
        near = angle < _NEARBY[0] and shift < _NEARBY[1]
        better = link.score > 2 * own.score and not agree(link.pose, own.pose, *SAME)
        if better and near:
            return True
    return False


def refine(passes: list[Prepared], poses: dict[int, Array]) -> dict[int, Array]:
    """Refined poses where the passes lie much closer upon each other by them, else those that the
    files give: along a wall any place is as good."""
    refined = _joint.refine(passes, poses)
    closer = _joint.residual(passes, refined) < _CLOSER * _joint.residual(passes, poses)
    near = all(agree(refined[k], poses[k], *SAME) for k in poses)
    return refined if closer and near else poses


def place(group: Group, claimed: Claim) -> None:
    """Passes of the claim that no link holds stand in the group where the files put them, and say
    how little confirms it. Nothing where the group stands otherwise than the files say."""
    held = [k for k in sorted(group.poses) if k in claimed.poses]
    if not held:
        return
    to_group = group.poses[held[0]] @ rigid.invert(claimed.poses[held[0]])
    if not all(agree(group.poses[k], to_group @ claimed.poses[k], *SAME) for k in held):
        return
    alone = len(group.poses) == 1
    for k in sorted(claimed.poses.keys() - group.poses.keys()):
        group.poses[k] = to_group @ claimed.poses[k]
        group.unconfirmed[k] = 0.0
    if alone and group.unconfirmed:  # all others are loose against this one, so it is against them
        group.unconfirmed[held[0]] = 0.0
    for k in group.unconfirmed:
        met = [one.evidence.overlap for one in claimed.links if k in (one.a, one.b)]
        group.unconfirmed[k] = max(met, default=0.0)
    group.links += [
        one
        for one in claimed.links
        if {one.a, one.b} & group.unconfirmed.keys() and one.evidence.overlap > 0
    ]


def _said(scans: Scans, usable: list[Pass]) -> list[int]:
    """Passes whose files put them in one frame."""
    if any(scans.origin):
        return list(range(len(usable)))
    named = [k for k, one in enumerate(usable) if one.located]
    posed = [k for k, one in enumerate(usable) if one.pose is not None]
    different = {np.round(np.asarray(usable[k].pose), 6).tobytes() for k in posed}
    return posed if len(different) > 1 else named


def _frame(one: Pass, ready: Prepared, origin: Array) -> Array:
    given = np.eye(4) if one.pose is None else np.asarray(one.pose)
    pose = given.copy()
    pose[:3, 3] = (rigid.apply(given, ready.centre[None])[0] - origin) / ready.size
    return pose


def _evidence(a: Prepared, b: Prepared, pose: Array) -> Evidence:
    """What speaks for a motion that was not sought: where a camera's frame ended does not count,
    nor which side of a lone surface was taken as its front."""
    both, close, gaps = [], [], []
    for one, other, motion in ((a, b, pose), (b, a, rigid.invert(pose))):
        moved = rigid.apply(motion, one.coarse)
        index = other.lookup.query(moved)
        apart = moved - other.fine[index]
        plane = np.abs((apart * other.fine_normals[index]).sum(-1))
        near = (index >= 0) & ((apart * apart).sum(-1) < NEAR * NEAR) & (plane < NEAR / 2)
        along = np.abs((rigid.turn(motion, one.coarse_normals) * other.fine_normals[index]).sum(-1))
        both.append(float((near & (along > ALIKE)) @ one.weight / one.weight.sum()))
        close += [int(near.sum()), int((near & (along > ALIKE)).sum())]
        gaps.append(plane[near])
    every = np.concatenate(gaps)
    return Evidence(
        overlap=max(both),
        agreement=float((close[1] + close[3]) / max(close[0] + close[2], 1)),
        contradiction=0.0,
        missing=0.0,
        cropped=0.0,
        residual=float(np.median(every)) if len(every) else 1.0,
    )


def _through(seer: Pass, b: Prepared, a: Prepared, pose: Array) -> bool:
    """Whether a, moved, lies in what b's scanner looked through, where its place is known."""
    if seer.scanner is None or b.camera is None:
        return False
    against = _verify.look(a, b, pose[None])[2][0]
    return float(against @ a.weight) > _THROUGH * float(a.weight.sum())


def _one_spot(one: Pass, two: Pass, a: Prepared, b: Prepared, pose: Array) -> bool:
    """Whether two scanners seem to have stood in one place: so it is with scans that each stand in
    their own scanner's frame."""
    if one.scanner is None or two.scanner is None:
        return False
    first = rigid.apply(pose, (np.asarray(one.scanner) - a.centre)[None] / a.size)[0]
    second = (np.asarray(two.scanner) - b.centre) / b.size
    return float(np.linalg.norm(first - second)) < _ONE_SPOT


def _goes_on(
    some: list[int], passes: list[Prepared], poses: dict[int, Array], links: list[PairLink]
) -> bool:
    """Whether every pass shows another part than one that it meets, and the surface goes on from
    one into the other. Passes of one object in the frame of a camera that stood still lie upon each
    other instead."""
    met: set[int] = set()
    for link in links:
        seen = link.evidence
        # a pass is centred: its pose's shift is its middle
        aside = np.linalg.norm(poses[link.a][:3, 3] - poses[link.b][:3, 3]) > _ASIDE
        if aside and seen.overlap > _MEETS and seen.agreement > _ALIKE and seen.residual < _TIGHT:
            met |= {link.a, link.b}
    return met == set(some)
