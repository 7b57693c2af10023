"""Placements that the data allows besides the one that was found; at size 1.

A link of two passes that together slip on themselves (bottles, planes) fixes them in part only: it
is loose. Groups that such links join, and groups whose body fits onto itself, are settled as a
whole (_rivals.py); what then still fits in several ways is told.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _denied, _joint, _judge, _rivals, _symmetry, _tones
from pipeline.stages.scan._graph import (
    CERTAIN,
    NOISE,
    STRONG,
    Group,
    bridge,
    group_of,
    merge,
)
from pipeline.stages.scan._links import PairLink, agree, noise_of
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._sequence import Told
from pipeline.stages.scan._symmetry import Symmetry

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_ROUNDS = 2  # a body that passes stood wrongly in is looked at again once they have moved


def join(groups: list[Group], links: list[PairLink]) -> list[Group]:
    """Groups that hang together by loose links only become one, and so do two lone passes that
    certainly lie on each other, in one of several ways."""
    wanted = sorted(
        (link for link in links if link.score >= (STRONG if link.loose else CERTAIN)),
        key=lambda link: (-link.score, link.a, link.b),
    )
    for link in wanted:
        home, away = group_of(groups, link.b), group_of(groups, link.a)
        if home is away:
            continue
        if not link.loose and not _alone(home, away, link):
            continue
        if len(away.poses) > len(home.poses):
            home, away = away, home
        merge(home, away, link, bridge(home, away, link))
        groups.remove(away)
    return sorted(groups, key=lambda group: (-len(group.poses), min(group.poses)))


def _alone(home: Group, away: Group, link: PairLink) -> bool:
    """Whether a link that is not loose joins two lone passes, and nothing speaks against it."""
    return len(home.poses) == len(away.poses) == 1 and link.evidence.contradiction <= NOISE


def check(
    passes: list[Prepared], group: Group, links: list[PairLink], told: Told
) -> Symmetry | None:
    """Try every pass of the group in the other places that the body's symmetry or its links allow:
    it moves where the rest speaks for it, and tells its ways where the rest does not say. Returns
    what brings the whole onto itself, if anything."""
    if len(group.poses) < 2:
        return None
    symmetry = None
    for _ in range(_ROUNDS):
        symmetry, moved = _settled(passes, group, links, told)
        if not moved:
            break
    _clashing(passes, group)
    _denied.leave_out(passes, group)
    sure = [k for k in group.poses if k not in group.ways]
    # all others are loose against this one, so it is against them
    if len(sure) == 1 and group.ways:
        group.ways[sure[0]] = next(iter(group.ways.values()))
    return symmetry


def _settled(
    passes: list[Prepared], group: Group, links: list[PairLink], told: Told
) -> tuple[Symmetry | None, bool]:
    """The passes in the places that the rest speaks for; what brings the body onto itself, found as
    they stood before, and whether a pass moved to a place that this does not lead to."""
    group.ways = {}
    loose = any(link.loose for link in group.links)
    # what its body does not have in common with itself shows once the passes lie on each other
    group.poses = _joint.pulled(passes, group.poses, noise_of(group.links))
    proposed = [motion for k in group.poses for motion in _implied(group, k, links)]
    symmetry = _symmetry.find(_symmetry.body_of(passes, group.poses), _few(proposed), loose)
    if symmetry is not None:
        symmetry = _rivals.choose(passes, group, symmetry, told)
    moved = [_reconsider(passes, group, k, links, symmetry) for k in sorted(group.poses)]
    return symmetry, any(moved)


def _clashing(passes: list[Prepared], group: Group) -> None:
    """Leave out passes whose colours clash with all others that they lie on: where shape fits in
    one place only that was found, it is the wrong one."""
    told = {k: list[float]() for k in group.poses}
    for a, b in itertools.combinations(sorted(group.poses), 2):
        motion = rigid.invert(group.poses[b]) @ group.poses[a]
        if (harmony := _tones.harmony(passes[a], passes[b], motion)) is not None:
            told[a].append(harmony)
            told[b].append(harmony)
    for k in sorted(told, reverse=True):
        if (
            told[k]
            and max(told[k]) < _tones.CLASHES
            and len(group.poses) > 1
            and k not in group.ways
        ):
            del group.poses[k]


def _reconsider(
    passes: list[Prepared], group: Group, k: int, links: list[PairLink], symmetry: Symmetry | None
) -> bool:
    """Weigh the places of a pass that its links imply against the one where it stands; whether it
    moved."""
    here = group.poses[k]
    moved = [motion @ here for motion in _implied(group, k, links)]
    if symmetry is not None:
        family = symmetry.motions @ here
        moved = [
            one for one in moved if not any(agree(one, other, *_symmetry.APART) for other in family)
        ]
    if not moved:
        return False
    candidates = np.stack([here, *moved])
    others = [j for j in group.poses if j != k]
    verdict = _judge.judge(
        passes[k],
        [passes[j] for j in others],
        np.stack([rigid.invert(group.poses[j]) @ candidates for j in others]),
        noise_of(group.links),
    )
    best = verdict.best()
    rivals = _apart(candidates, best, verdict.rivals(best))
    if best != 0 and not verdict.rivals(best)[0] and not rivals.any():
        group.poses[k] = candidates[best]
        return True
    if best != 0:
        best = 0
        rivals = _apart(candidates, 0, verdict.rivals(0)) | rivals
    if rivals.any():
        group.ways[k] = _told(candidates, best, rivals)
    return False


def _implied(group: Group, k: int, links: list[PairLink]) -> list[Array]:
    """Motions of the common frame that bring pass k to other places that its links to the group's
    passes speak for."""
    back = rigid.invert(group.poses[k])
    found: list[Array] = []
    for link in links:
        if link.a == k and link.b in group.poses:
            pose = group.poses[link.b] @ link.pose
        elif link.b == k and link.a in group.poses:
            pose = group.poses[link.a] @ rigid.invert(link.pose)
        else:
            continue
        if not any(
            agree(pose, motion @ group.poses[k], *_symmetry.APART) for motion in [np.eye(4), *found]
        ):
            found.append(pose @ back)
    return found[:12]


def _few(motions: list[Array], most: int = 60) -> list[Array]:
    """An even share of them."""
    return motions[:: max(1, -(-len(motions) // most))]


def _apart(poses: Array, best: int, rivals: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rivals that are another placement, not the same one a step further."""
    return np.array(
        [
            bool(rival) and not agree(pose, poses[best], *_symmetry.APART)
            for pose, rival in zip(poses, rivals, strict=True)
        ]
    )


def _told(poses: Array, best: int, rivals: NDArray[np.bool_]) -> tuple[float, ...]:
    """The ways relative to the best: whole degrees, or shares of the size where they are slides."""
    apart = [rigid.difference(poses[k], poses[best], np.zeros(3)) for k in np.flatnonzero(rivals)]
    return tuple(sorted({round(angle) if angle > 5 else round(shift, 2) for angle, shift in apart}))
