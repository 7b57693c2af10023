"""Placements that the data allows besides the one that was found; at size 1.

A motion of one pass onto another is decided, or a family of motions fits about equally (``ways``).
Passes that only such a motion holds join a group where all passes of the group together speak for
one member of the family, and else stand there with their ways told.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _judge, _slips, _verify
from pipeline.stages.scan._graph import STRONG, Group, bridge, group_of, merge
from pipeline.stages.scan._links import Found, agree
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._slips import Slip

_SWEEPS = 2


def decided(found: list[Found], passes: list[Prepared]) -> list[Found]:
    """The links of two passes as they are where nothing slips; else the one at the member of the
    family that the two passes speak for, with its ways where they do not say."""
    if not found:
        return found
    a, b = passes[found[0].a], passes[found[0].b]
    slip = _slips.find(*_union([a, b], [found[0].pose, np.eye(4)]))
    if slip is None:
        return found
    amounts = slip.amounts()
    family = np.stack([slip.motion(amount) for amount in amounts])
    poses = family @ found[0].pose
    if slip.turns:  # and upside down, which a body of revolution often allows as well
        poses = np.concatenate(
            [
                poses,
                family @ slip.over(rigid.apply(found[0].pose, a.coarse).mean(0)) @ found[0].pose,
            ]
        )
    for other in found[1:]:  # one that is no member brings its own
        if not any(agree(other.pose, pose, 12.0, 0.06) for pose in poses):
            poses = np.concatenate([poses, family @ other.pose])
    poses = _verify.refine(a, b, poses, (0.04, 0.03, 0.02, 0.015))
    verdict = _judge.judge(a, [b], poses[None])
    best = verdict.best()
    rivals = _apart(poses, best, verdict.rivals(best))
    pose = _verify.refine(a, b, poses[best : best + 1], (0.015, 0.01, 0.01), dense=True)[0]
    if a.coarse_colors is not None and b.coarse_colors is not None and slip.turns:
        pose = _by_colour(a, [b], slip, pose[None])[0]
    evidence = _verify.weigh(a, b, pose[None])[0]
    return [replace(found[0], pose=pose, evidence=evidence, ways=_told(poses, best, rivals))]


def join(passes: list[Prepared], groups: list[Group], links: list[Found]) -> list[Group]:
    """Groups that hang together by undecided links only become one: each new part stands where the
    group says, or tells its ways."""
    loose = sorted(
        (link for link in links if link.ways and link.score >= STRONG),
        key=lambda link: (-link.score, link.a, link.b),
    )
    changed = True
    while changed:
        changed = False
        for link in loose:
            home, away = group_of(groups, link.b), group_of(groups, link.a)
            if home is away:
                continue
            if len(away.poses) > len(home.poses):
                home, away = away, home
            _place(passes, home, away, link)
            groups.remove(away)
            changed = True
            break
    return sorted(groups, key=lambda group: (-len(group.poses), min(group.poses)))


def _place(passes: list[Prepared], home: Group, away: Group, link: Found) -> None:
    """Merge two groups by an undecided link, at the member of its family that all their passes
    together speak for."""
    start = bridge(home, away, link)
    every = [passes[k] for k in (*home.poses, *away.poses)]
    slip = _slips.find(
        *_union(every, [*home.poses.values(), *(start @ pose for pose in away.poses.values())])
    )
    ways: tuple[float, ...] = link.ways
    if slip is not None:
        amounts = slip.amounts()
        bridges = np.stack([slip.motion(amount) for amount in amounts]) @ start
        verdict = _together(passes, home, away, bridges)
        best = verdict.best()
        start = bridges[best]
        ways = _told(bridges, best, _apart(bridges, best, verdict.rivals(best)))
    home.ways |= away.ways
    if ways:
        home.ways |= dict.fromkeys(away.poses, ways)
    merge(home, away, link, start)


def _together(passes: list[Prepared], home: Group, away: Group, bridges: Array) -> _judge.Verdict:
    """The verdict of all pairs between two groups."""
    sure = {k: pose for k, pose in home.poses.items() if k not in home.ways}
    found = [
        _verdict(passes, k, bridges @ pose, sure or home.poses) for k, pose in away.poses.items()
    ]
    return _judge.Verdict(
        np.sum([one.gain for one in found], axis=0),
        np.mean([one.explained for one in found], axis=0),
        sum(one.weight for one in found),
    )


def _verdict(
    passes: list[Prepared], k: int, candidates: Array, rest: dict[int, Array]
) -> _judge.Verdict:
    """Poses (H,4,4) of pass k in the group's frame against the other passes of it."""
    others = [j for j in rest if j != k]
    return _judge.judge(
        passes[k],
        [passes[j] for j in others],
        np.stack([rigid.invert(rest[j]) @ candidates for j in others]),
    )


def check(passes: list[Prepared], group: Group, links: list[Found]) -> Slip | None:
    """Try every pass of the group in the other places that its surface or its links allow: it moves
    where the rest speaks for it, and tells its ways where the rest does not say. Returns what the
    whole slides along, if anything."""
    slip = (
        _slips.find(*_union([passes[k] for k in group.poses], list(group.poses.values())))
        if len(group.poses) > 1
        else None
    )
    for _ in range(_SWEEPS if slip else 1):
        moved = False
        for k in sorted(group.poses):
            moved |= _reconsider(passes, group, k, slip, links)
        if not moved:
            break
    sure = [k for k in group.poses if k not in group.ways]
    # all others are loose against this one, so it is against them
    if len(sure) == 1 and len(group.poses) > 1:
        group.ways[sure[0]] = next(iter(group.ways.values()))
    return slip


def _reconsider(
    passes: list[Prepared], group: Group, k: int, slip: Slip | None, links: list[Found]
) -> bool:
    here = group.poses[k]
    amounts = slip.amounts() if slip else np.zeros(1)
    family = [slip.motion(amount) @ here for amount in amounts] if slip else [here]
    candidates = np.stack(family + _implied(group, k, links))
    if len(candidates) == 1 or len(group.poses) < 2:
        return False
    verdict = _verdict(passes, k, candidates, group.poses)
    best = verdict.best()
    rivals = _apart(candidates, best, verdict.rivals(best))
    moved = best != 0 and not verdict.rivals(best)[0] and not rivals.any()
    if moved:
        group.poses[k] = candidates[best]
    elif best != 0:
        best = 0
        rivals = _apart(candidates, 0, verdict.rivals(0)) | rivals
    if rivals.any():
        group.ways[k] = _told(candidates, best, rivals)
    return moved


def _implied(group: Group, k: int, links: list[Found]) -> list[Array]:
    """Other places of pass k that its links to the group's passes speak for."""
    found: list[Array] = []
    for link in links:
        if link.a == k and link.b in group.poses:
            pose = group.poses[link.b] @ link.pose
        elif link.b == k and link.a in group.poses:
            pose = group.poses[link.a] @ rigid.invert(link.pose)
        else:
            continue
        if not any(agree(pose, other, 15.0, 0.06) for other in [group.poses[k], *found]):
            found.append(pose)
    return found[:12]


def _by_colour(a: Prepared, others: list[Prepared], slip: Slip, poses: Array) -> Array:
    """The finest of the motion that shape does not fix: poses (J,4,4) turned by the degrees that
    the colours speak for most."""
    turns = np.arange(-8.0, 8.5, 1.0)
    verdict = _judge.judge(
        a, others, np.stack([[slip.motion(turn) @ pose for turn in turns] for pose in poses])
    )
    return np.asarray(slip.motion(float(turns[int(np.argmax(verdict.gain))])) @ poses)


def _union(members: list[Prepared], poses: list[Array]) -> tuple[Array, Array, Array]:
    """Coarse points, normals and worth of several passes in one frame."""
    points = np.concatenate(
        [rigid.apply(pose, one.coarse) for one, pose in zip(members, poses, strict=True)]
    )
    normals = np.concatenate(
        [rigid.turn(pose, one.coarse_normals) for one, pose in zip(members, poses, strict=True)]
    )
    return points, normals, np.concatenate([one.worth for one in members])


def _apart(poses: Array, best: int, rivals: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rivals that are another placement, not the same one a step further."""
    return np.array(
        [
            bool(rival) and not agree(pose, poses[best], 15.0, 0.06)
            for pose, rival in zip(poses, rivals, strict=True)
        ]
    )


def _told(poses: Array, best: int, rivals: NDArray[np.bool_]) -> tuple[float, ...]:
    """The ways relative to the best: whole degrees, or shares of the size where they are slides."""
    apart = [rigid.difference(poses[k], poses[best], np.zeros(3)) for k in np.flatnonzero(rivals)]
    return tuple(sorted({round(angle) if angle > 5 else round(shift, 2) for angle, shift in apart}))
