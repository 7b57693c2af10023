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
_MANY = 6  # passes that are more than one side asks for

_ELSE = (
    " If it was scanned from other sides, too, it looks alike from them: passes were laid on each"
    " other, and those sides are missing. Marks or colours on it settle this"
)


def words(passes: list[Prepared], group: Group) -> str | None:
    """What a person must hear of where the cameras of the group's passes stand; None where they
    stand around the thing, where nothing tells, or where each tells of its ways already.

    That files agree with it says nothing: passes of a turntable, each in its camera's frame, agree
    about all standing on one side."""
    if len(group.ways) == len(group.poses):
        return None
    aims = _aims(passes, group)
    if 2 * len(aims) <= len(group.poses) or len(aims) < _COMPANY:
        return None
    apart = np.degrees(np.arccos(np.clip(aims @ aims.T, -1, 1)))
    shared = int(((apart < _SPOT).sum(1) > 1).sum())
    if shared >= _COMPANY and 2 * shared >= len(group.poses):
        return (
            f"{shared} of {len(group.poses)} placed passes look from the place of another one."
            + _ELSE
        )
    if len(aims) >= _MANY and float(apart.max()) < _SIDE:
        return f"all {len(group.poses)} placed passes look at one side of the thing." + _ELSE
    return None


def _aims(passes: list[Prepared], group: Group) -> Array:
    """Directions (K,3) from the middle of what the passes saw to the cameras that stood outside."""
    middle = np.concatenate(
        [rigid.apply(pose, passes[k].coarse) for k, pose in group.poses.items()]
    ).mean(0)
    places = [
        rigid.apply(pose, camera.place[None])[0]
        for k, pose in group.poses.items()
        if (camera := passes[k].camera) is not None and camera.outside
    ]
    return clouds.unit(np.asarray(places).reshape(-1, 3) - middle)
