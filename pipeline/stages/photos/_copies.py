"""Photographs that show the same from the same spot as another: edited copies, screenshots of a
photograph, bursts. Of each such moment one is kept: a copy confirms every depth that its original
tells, and its colours would be laid on the model beside the original's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.geometry.rigid import Array
from pipeline.stages.photos._world import Shot

SAME = 0.002  # of the longer edge by which one is the other moved, turned and made larger
SPOT = 0.05  # of the distance of what they show: where a copy, cut aslant, seems to be taken from
# what counts as the same where one shows next to nothing that the other does not, and seems to be
# taken from next to the same spot: the middle of a part is not where its lens looked
ASLANT, ALL, NEAR = 0.005, 0.95, 0.015
FINER = 0.1  # share by which things are larger in one, so that it counts as that
SHARED = 0.5  # of the points of the one that is left out, which the other must see as well
WHY = (
    "it shows what {} shows, and from the same spot: an edited copy of it, a part of it, or one of"
    " a burst"
)


def copies(shots: Sequence[Shot], points: Array) -> dict[str, str]:
    """Those of SHOTS, whose points are POINTS (N,3), that add nothing, and the one that stays in
    the place of each: the one that knows its lens, shows things larger, then more of them, then
    has the shorter name, as edited copies have words added to theirs."""
    kept: list[Shot] = []
    found: dict[str, str] = {}
    for shot in sorted(shots, key=_rank):
        same = next((other for other in kept if _is_copy(shot, other, points)), None)
        if same is None:
            kept.append(shot)
        else:
            found[shot.name] = same.name
    return found


def _rank(shot: Shot) -> tuple[bool, int, int, int, str]:
    width, height = shot.photo.stored
    focal = shot.params[0] * width / shot.photo.size[0]
    larger = round(np.log(focal) / FINER)
    return shot.photo.focal is None, -larger, -width * height, len(shot.name), shot.name


def _is_copy(one: Shot, other: Shot, points: Array) -> bool:
    """Whether ONE adds nothing to OTHER; a wide photograph adds to a near one of a part of it."""
    distance = float(np.median(np.linalg.norm(points[one.sees] - one.centre, axis=1)))
    apart = float(np.linalg.norm(one.centre - other.centre)) / distance
    if apart > SPOT:
        return False
    both = np.intersect1d(one.sees, other.sees)
    shared = len(both) / max(len(one.sees), 1)
    if shared <= SHARED:
        return False
    within = ASLANT if shared > ALL and apart < NEAR else SAME
    return _moved(_shown(one, points[both]), _shown(other, points[both])) < within


def _shown(shot: Shot, points: Array) -> Array:
    """Where a photograph shows POINTS (N,3), as complex numbers in shares of its longer edge."""
    focal, cx, cy, k = shot.params
    local = points @ shot.rotation.T + shot.translation
    flat = local[:, :2] / local[:, 2:]
    x, y = (focal * flat * (1 + k * (flat**2).sum(1, keepdims=True)) + (cx, cy)).T
    return np.asarray((x + 1j * y) / max(shot.photo.size))


def _moved(a: Array, b: Array) -> float:
    """How far most of B (N,) are from A, moved, turned and made larger: parallax is none of it."""
    a, b = a - a.mean(), b - b.mean()
    scale = np.vdot(a, b) / max(float(np.vdot(a, a).real), 1e-12)
    return float(np.quantile(np.abs(b - scale * a), 0.9))
