"""Links of two passes that together slip on themselves: they hold in one way only. At size 1."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.geometry import rigid
from pipeline.stages.scan import _slips, _tones, _verify
from pipeline.stages.scan._links import PairLink
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._slips import Slip

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_FEWEST = 50  # shared points of a scene that say something
# of what two passes of a scene share that must slip to be looked at: a wall turned on another had
# 0.77, two true sights of a front 0.75 to 0.89
_WALL = 0.7
_SLID = (-0.2, -0.1, 0.1, 0.2)  # lengths by which two passes are moved along what slides
_ARM = 0.1  # length below which an arm counts as that long
_AS_WELL = 0.5  # share of a link's score that one of these must reach to be another place


def marked(found: list[PairLink], passes: list[Prepared], scene: bool = False) -> list[PairLink]:
    """The links of two passes as they are where nothing slips; else the best of them alone, as
    loose. What slides is held all the same where the cameras saw its ends. Of a ``scene`` those are
    left out whose shared surface slips: a bare wall lies on another everywhere. What is not loose
    and lays clashing colours on each other is no link."""
    if scene:
        return [one for one in found if not (_clashes(one, passes) or _bare(one, passes))]
    if not found:
        return found
    slip = slip_of(found[0], passes)
    if slip is None or (not slip.turns and _ends_seen(found[0], slip, passes)):
        return [one for one in found if not _clashes(one, passes)]
    return [replace(found[0], loose=True)]


def _clashes(link: PairLink, passes: list[Prepared]) -> bool:
    return _tones.clash(passes[link.a], passes[link.b], link.pose)


def slip_of(link: PairLink, passes: list[Prepared]) -> Slip | None:
    """What the two passes of a link slip on together, if on anything."""
    a, b = passes[link.a], passes[link.b]
    points = np.concatenate([rigid.apply(link.pose, a.coarse), b.coarse])
    normals = np.concatenate([rigid.turn(link.pose, a.coarse_normals), b.coarse_normals])
    return _slips.find(points, normals, np.concatenate([a.weight, b.weight]))


def _ends_seen(link: PairLink, slip: Slip, passes: list[Prepared], arm: float = 1.0) -> bool:
    """Whether the two passes fit nowhere else along what slides: a box lies on itself farther along
    its edge, but both cameras saw where it ends. What turns goes as far at the length ``arm``."""
    each = np.degrees(1 / max(arm, _ARM)) if slip.turns else 1.0
    moved = np.stack([slip.motion(amount * each) for amount in _SLID]) @ link.pose
    scores = [one.score for one in _verify.weigh(passes[link.a], passes[link.b], moved)]
    return max(scores) < _AS_WELL * link.evidence.score


def _bare(link: PairLink, passes: list[Prepared]) -> bool:
    """Whether what the two passes share slips on itself, and lies on itself elsewhere, too: windows
    that meet do so in one place."""
    points, normals, worth = [], [], []
    for a, b, pose in (
        (passes[link.a], passes[link.b], link.pose),
        (passes[link.b], passes[link.a], rigid.invert(link.pose)),
    ):
        like = _verify.look(a, b, pose[None])[0][0]
        here = np.eye(4) if a is passes[link.b] else link.pose
        points.append(rigid.apply(here, a.coarse[like]))
        normals.append(rigid.turn(here, a.coarse_normals[like]))
        worth.append(a.weight[like])
    every = np.concatenate(points), np.concatenate(normals), np.concatenate(worth)
    if len(every[0]) < _FEWEST:
        return True
    slip = _slips.find(*every, _WALL)
    if slip is None:
        return False
    away = np.cross(every[0] - slip.point, slip.axis)
    return not _ends_seen(link, slip, passes, float(np.sqrt((away**2).sum(1).mean())))
