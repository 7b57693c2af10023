"""Photographs that show the same from the same spot as another: edited copies, screenshots of a
photograph, bursts. Of each such moment one is kept: a copy confirms every depth that its original
tells, and its colours would be laid on the model beside the original's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.geometry.rigid import Array
from pipeline.stages.photos._world import Shot

SPOT = 0.003  # of the distance of what they show: cameras no farther apart stand on one spot
ALIKE = 8.0  # degrees between their axes up to which they look at the same
SHARED = 0.5  # of the points of one that the other sees as well
WHY = (
    "it shows what {} shows, and from the same spot: an edited copy of it, a part of it, or one of"
    " a burst"
)


def copies(shots: Sequence[Shot], points: Array) -> dict[str, str]:
    """Those of SHOTS, whose points are POINTS (N,3), that add nothing, and the one that stays in
    the place of each: the larger, of equal ones the one with the shorter name, as edited copies
    have words added to theirs."""
    kept: list[Shot] = []
    found: dict[str, str] = {}
    for shot in sorted(shots, key=_rank):
        same = next((other for other in kept if _is_copy(shot, other, points)), None)
        if same is None:
            kept.append(shot)
        else:
            found[shot.name] = same.name
    return found


def _rank(shot: Shot) -> tuple[int, int, str]:
    width, height = shot.photo.stored
    return -width * height, len(shot.name), shot.name


def _is_copy(one: Shot, other: Shot, points: Array) -> bool:
    away = float(np.median(np.linalg.norm(points[one.sees] - one.centre, axis=1)))
    if np.linalg.norm(one.centre - other.centre) > SPOT * away:
        return False
    if one.rotation[2] @ other.rotation[2] < np.cos(np.radians(ALIKE)):
        return False
    both = len(np.intersect1d(one.sees, other.sees))
    return both > SHARED * min(len(one.sees), len(other.sees))
