"""From links to placements: passes grow into groups, strongest link first, and every merge is
checked against all passes in it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _verify
from pipeline.stages.scan._links import PairLink, agree
from pipeline.stages.scan._prepared import Prepared

# Scores are 0..1, lengths shares of the object's size. What halving and doubling each costs:
# benchmarks/constants.py.
STRONG = 0.2  # a link of this score stands alone if its two passes fit in one way only
CERTAIN = 0.3  # a link of this score stands alone
_DECLARED = 0.1  # score at which the surfaces confirm where files put two passes
_TOLD = 0.6  # share of STRONG that is enough where a person told that two passes are neighbours
WEAK = 0.06  # below, a link is never the reason for a placement
AHEAD = 1.3  # times the score of its best rival that a strong link must have
CLEAR = 1.15  # the same of a certain one
NOISE = 0.15  # share of contradicted points up to which a link may join two groups
# A third pass forbids a merge where it contradicts more than that share of what both saw …
OPPOSED = 0.3
TOGETHER = 0.05  # … and both lie on each other with at least that share of their surface
SAME = (10.0, 0.06)  # degrees and length: two links of a pair that differ by less say the same
_BEATEN = 0.5  # share of the score of a better loose link below which a merge leaves its two passes
_CLOSE = 0.02  # length: how far apart two groups may lie where a third pass judges a merge
_ASIDE = 1.6  # length between two objects that are put side by side


@dataclass
class Group:
    """Passes that stand together: poses T_group_pass (4,4) at size 1, the links that hold them, and
    the ways in which a pass fits."""

    poses: dict[int, Array]
    links: list[PairLink] = field(default_factory=list)
    ways: dict[int, tuple[float, ...]] = field(default_factory=dict)
    # passes that stand where their files put them, and the overlap that does not confirm it
    unconfirmed: dict[int, float] = field(default_factory=dict)
    # what else a person must hear of single passes
    doubts: dict[int, str] = field(default_factory=dict)


def grow(passes: list[Prepared], links: list[PairLink]) -> list[Group]:
    """Groups of passes, largest first. A merge needs a strong link, or a weak one that a third pass
    confirms; never a contradicted one."""
    groups = [Group({k: np.eye(4)}) for k in range(len(passes))]
    ordered = sorted(
        (link for link in links if not link.loose), key=lambda link: (-link.score, link.a, link.b)
    )
    loose = [link for link in links if link.loose and link.score >= STRONG]
    strict = [link for link in ordered if _stands(link, ordered)]
    for candidates in (strict, ordered):
        changed = True
        while changed:
            changed = False
            for link in candidates:
                home, away = group_of(groups, link.b), group_of(groups, link.a)
                if home is not away and _holds(passes, home, away, link, ordered):
                    if _beaten(passes, home, away, link, loose):
                        continue
                    merge(home, away, link, bridge(home, away, link))
                    groups.remove(away)
                    changed = True
    return sorted(
        _borne(groups, len(passes)), key=lambda group: (-len(group.poses), min(group.poses))
    )


def _borne(groups: list[Group], many: int) -> list[Group]:
    """Two passes of many that only one link holds, and no certain one, fall apart: nobody else
    confirms them."""
    kept: list[Group] = []
    for group in groups:
        thin = (
            len(group.poses) == 2 and many > 3 and max(link.score for link in group.links) < CERTAIN
        )
        kept += [Group({k: np.eye(4)}) for k in group.poses] if thin else [group]
    return kept


def side_by_side(groups: list[Group], apart: float = _ASIDE) -> Group:
    """All groups of two or more passes as one, each a step further along x: several objects, one
    model."""
    together = Group({})
    for step, group in enumerate(one for one in groups if len(one.poses) > 1):
        aside = np.eye(4)
        aside[0, 3] = apart * step
        together.poses.update({k: aside @ pose for k, pose in group.poses.items()})
        together.links += group.links
        together.ways |= group.ways
        together.unconfirmed |= group.unconfirmed
        together.doubts |= group.doubts
    return together


def group_of(groups: list[Group], index: int) -> Group:
    return next(group for group in groups if index in group.poses)


def bridge(home: Group, away: Group, link: PairLink) -> Array:
    """T_home_away (4,4): the away group's frame into the home group's, as the link says."""
    if link.a in away.poses:
        return home.poses[link.b] @ link.pose @ rigid.invert(away.poses[link.a])
    return home.poses[link.a] @ rigid.invert(link.pose) @ rigid.invert(away.poses[link.b])


def merge(home: Group, away: Group, link: PairLink, moved: Array) -> None:
    """The away group's passes, moved by ``moved`` (T_home_away), and its links become the home
    group's."""
    home.poses.update({k: moved @ pose for k, pose in away.poses.items()})
    home.links += [*away.links, link]


def _holds(
    passes: list[Prepared], home: Group, away: Group, link: PairLink, links: list[PairLink]
) -> bool:
    """Whether this link may join the two groups: nothing contradicts it, and it is strong or
    confirmed by another pair of passes."""
    if link.score < WEAK or link.evidence.contradiction > NOISE:
        return False
    moved = bridge(home, away, link)
    voices = 0
    for a, pose_a in away.poses.items():
        for b, pose_b in home.poses.items():
            if {a, b} == {link.a, link.b}:
                continue
            implied = rigid.invert(pose_b) @ moved @ pose_a
            evidence = _verify.weigh(passes[a], passes[b], implied[None], tolerance=_CLOSE)[0]
            if evidence.contradiction > OPPOSED and evidence.overlap > TOGETHER:
                return False
            voices += _confirmed(a, b, implied, links)
    return voices > 0 or _stands(link, links)


def _beaten(
    passes: list[Prepared], home: Group, away: Group, link: PairLink, loose: list[PairLink]
) -> bool:
    """Whether a better link between the two groups, which holds them in one way only, is no more
    true once this one has joined them."""
    moved = bridge(home, away, link)
    for one in loose:
        if one.score <= link.score or (one.a in home.poses) == (one.b in home.poses):
            continue
        if not {one.a, one.b} <= home.poses.keys() | away.poses.keys():
            continue
        stands = {k: moved @ pose for k, pose in away.poses.items()} | home.poses
        implied = rigid.invert(stands[one.b]) @ stands[one.a]
        told = _verify.weigh(passes[one.a], passes[one.b], implied[None])[0]
        if told.score < _BEATEN * one.evidence.score:
            return True
    return False


def _stands(link: PairLink, links: list[PairLink]) -> bool:
    """Whether a link needs no confirmation: it is certain, or strong, and without a rival that says
    something else of the same passes about as well."""
    rivals = [
        one.score
        for one in links
        if (one.a, one.b) == (link.a, link.b) and not agree(one.pose, link.pose, *SAME)
    ]
    rival = max(rivals, default=0.0)
    if link.declared and link.score >= _DECLARED and CLEAR * link.score >= rival:
        return True
    share = _TOLD if link.told else 1.0
    return (link.score >= CERTAIN and link.score > CLEAR * rival) or (
        link.score >= share * STRONG and link.score > AHEAD * rival
    )


def _confirmed(a: int, b: int, implied: Array, links: list[PairLink]) -> bool:
    """Whether a link of these two passes, found on its own, says the same (three passes agree)."""
    for link in links:
        if (link.a, link.b) == (a, b) and agree(link.pose, implied):
            return True
        if (link.a, link.b) == (b, a) and agree(rigid.invert(link.pose), implied):
            return True
    return False
