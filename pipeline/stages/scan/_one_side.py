"""Do the cameras of placed passes stand around the thing, or all where others stand? What looks
alike from several sides lets passes of all of them be laid on one."""

from __future__ import annotations

import numpy as np

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._prepared import Prepared

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_SPOT = 5.0  # degrees between two cameras, seen from the middle of the thing, that are one place
_COMPANY = 3  # passes with another one in their place, and half of all, that are worth a word
_SIDE = 125.0  # degrees between any two cameras up to which all of them look at one side
# degrees off the middle of all directions from which cameras surround a thing that they look down
# on, and the gap between two of them around it that they must not leave
_DOWN, _GAP = 30.0, 150.0
_MANY = 6  # passes that are more than one side asks for
_TOGETHER = 30.0  # degrees within which three cameras see the same of it: found, they err by 25
_FLAT = 0.15  # share of the size: what is thinner, such as a relief, has one side alone

_ELSE = (
    " If it was scanned from other sides, too, it looks alike from them: passes were laid on each"
    " other, and those sides are missing. Marks or colours on it settle this"
)
_PLACE = "it looks from the place of another pass: of what looks alike, it may show another side"
_ALL = "like all others it looks at one side: of what looks alike, it may show another one"


def tell(passes: list[Prepared], group: Group) -> str | None:
    """What a person must hear of where the cameras of the group's passes stand, and to each pass
    that it is about its doubt; None where they stand around the thing, where nothing tells, or
    where each tells of its ways already.

    That files agree with it says nothing: passes of a turntable, each in its camera's frame, agree
    about all standing on one side."""
    if len(group.ways) == len(group.poses):
        return None
    aims = _aims(passes, group)
    if 2 * len(aims) <= len(group.poses) or len(aims) < _COMPANY:
        return None
    directions = np.stack(list(aims.values()))
    apart = np.degrees(np.arccos(np.clip(directions @ directions.T, -1, 1)))
    company = (apart < _SPOT).sum(1) > 1
    shared = [k for k, beside in zip(aims, company, strict=True) if beside]
    if len(shared) >= _COMPANY and 2 * len(shared) >= len(group.poses):
        group.doubts = dict.fromkeys(shared, _PLACE) | group.doubts
        many = f"{len(shared)} of {len(group.poses)} placed passes"
        return f"{many} look from the place of another one." + _ELSE
    one_side = len(aims) >= _MANY and float(apart.max()) < _SIDE and not _around(directions)
    if one_side or (float(apart.max()) < _TOGETHER and _thickness(passes, group) > _FLAT):
        group.doubts = dict.fromkeys(group.poses, _ALL) | group.doubts
        return f"all {len(group.poses)} placed passes look at one side of the thing." + _ELSE
    return None


def _thickness(passes: list[Prepared], group: Group) -> float:
    """Of all that the passes saw where it is narrowest, as a share of how large it is."""
    points = np.concatenate(
        [rigid.apply(pose, passes[k].coarse) for k, pose in group.poses.items()]
    )
    return clouds.narrowest(points) / clouds.diagonal(points)


def _around(directions: Array) -> bool:
    """Whether cameras in these directions (K,3) surround the thing, from above or below."""
    middle = clouds.unit(directions.sum(0)[None])[0]
    wide = directions[directions @ middle < np.cos(np.radians(_DOWN))]
    across = np.linalg.svd(middle[None])[2][1:]
    turns = np.sort(np.degrees(np.arctan2(*(wide @ across.T).T)))
    return len(turns) > 1 and float(np.diff(turns, append=turns[0] + 360).max()) < _GAP


def _aims(passes: list[Prepared], group: Group) -> dict[int, Array]:
    """Direction (3,) from the middle of what the passes saw to the camera of each that stood
    outside."""
    middle = np.concatenate(
        [rigid.apply(pose, passes[k].coarse) for k, pose in group.poses.items()]
    ).mean(0)
    return {
        k: clouds.unit(rigid.apply(pose, camera.place[None]) - middle)[0]
        for k, pose in group.poses.items()
        if (camera := passes[k].camera) is not None and camera.outside
    }
