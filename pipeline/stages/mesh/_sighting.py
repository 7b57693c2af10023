"""Where a picture was taken from: the view under which a shape has the picture's outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.silhouettes import axes_of
from pipeline.geometry.surface import Surface
from pipeline.stages.mesh._outline import (
    COARSE,
    FARTHEST,
    FINER,
    FINEST,
    NEAREST,
    Outline,
    OutlineFit,
    Sight,
)

STEP = 15.0  # degrees between the views that are tried first
HEIGHTS = tuple(np.arange(-45.0, 76.0, STEP))  # degrees
APART = 20.0  # degrees between views that are refined by themselves
TRIED, KEPT = 10, 3  # views that are refined, and of these to the end
# what an outline may miss more than the best one and still be as good: the shape's own error
ALIKE, SLACK = 1.3, 0.003
HOPELESS = 3.0  # times the best one's misfit, beyond which a view is not refined to the end
SURE = 0.985  # agreement at which the view that the backend expects is taken for the one
BELOW = 3.0  # times as unlikely as from above is a camera that stands lower than expected


def find(mask: NDArray[np.bool_], surface: Surface, start: Sight, lens: bool = True) -> OutlineFit:
    """The sight of the picture with MASK on SURFACE (upright): near START, where the backend says
    that the camera stood, if the outlines agree there, else sought everywhere; of several that
    agree as well, the one nearest to it. LENS: whether the distance is sought, too."""
    outline, rough, fine = Outline(mask, surface), 0.15 * lens, 0.04 * lens
    first = _climbed(outline, start, FINER, (4.0, 2.0, 1.0), rough)
    first = _settled(outline, first, fine)
    if outline.agrees(first, FINEST) >= SURE:
        return outline.found(first, outline.agrees(first, FINEST))
    around = [
        Sight(start.azimuth + float(turn), float(height), start.near)
        for height in HEIGHTS
        for turn in np.arange(0.0, 360.0, STEP)
    ]
    tried = _spread({one: outline.agrees(one, COARSE) for one in around}, TRIED)
    near = [_climbed(outline, one, FINER, (6.0, 3.0, 1.5), rough) for one in tried]
    scores = {one: outline.agrees(one, FINER) for one in (first, *near)}
    most = 1 - HOPELESS * (1 - max(scores.values()))
    best = [one for one in _spread(scores, KEPT) if scores[one] >= most]
    ends = {first, *(_settled(outline, one, fine) for one in best)}
    scores = {one: outline.agrees(one, FINEST) for one in ends}
    least = 1 - ALIKE * (1 - max(scores.values())) - SLACK
    alike = [one for one in sorted(scores) if scores[one] >= least]
    chosen = min(alike, key=lambda one: _unlikely(one, start) - 100 * scores[one])
    ways = [one for one in alike if _angle(one, chosen) > APART and not outline.same(one, chosen)]
    return outline.found(chosen, scores[chosen], ways)


def settled(
    mask: NDArray[np.bool_], surface: Surface, start: Sight, lens: bool = True
) -> OutlineFit:
    """The sight of the picture with MASK on SURFACE next to START, which is known but for a
    degree or two."""
    outline = Outline(mask, surface)
    best = _settled(outline, start, 0.04 * lens)
    return outline.found(best, outline.agrees(best, FINEST))


def _settled(outline: Outline, start: Sight, lens: float) -> Sight:
    return _climbed(outline, start, FINEST, (1.0, 0.5, 0.25), lens)


def _climbed(
    outline: Outline, sight: Sight, size: int, steps: Sequence[float], lens: float
) -> Sight:
    """The sight near this one that agrees best, by ever smaller STEPS in degrees; LENS is the
    first step of the distance, as a share."""
    best, most = sight, outline.agrees(sight, size)
    for number, step in enumerate(steps):
        moved = True
        while moved:
            moved = False
            for one in _around(best, step, lens / 2**number):
                if (value := outline.agrees(one, size)) > most:
                    best, most, moved = one, value, True
    return best


def _around(sight: Sight, step: float, lens: float) -> list[Sight]:
    azimuth, elevation, near = sight
    wide = step / max(0.2, np.cos(np.radians(elevation)))
    found = [
        Sight(azimuth + turn, float(np.clip(elevation + lift, -85, 85)), near)
        for turn, lift in ((wide, 0), (-wide, 0), (0, step), (0, -step))
    ]
    if lens:
        found += [
            Sight(azimuth, elevation, float(np.clip(near * factor, FARTHEST, NEAREST)))
            for factor in (1 + lens, 1 / (1 + lens))
        ]
    return found


def _spread(scores: dict[Sight, float], most: int) -> list[Sight]:
    """The best of them that lie APART, at most MOST."""
    found: list[Sight] = []
    for one in sorted(scores, key=lambda sight: -scores[sight]):
        if len(found) < most and all(_angle(one, other) > APART for other in found):
            found.append(one)
    return found


def _angle(one: Sight, other: Sight) -> float:
    """Degrees between the two lines of sight."""
    ways = [axes_of(sight.azimuth, sight.elevation)[2] for sight in (one, other)]
    return float(np.degrees(np.arccos(np.clip(ways[0] @ ways[1], -1, 1))))


def _unlikely(one: Sight, start: Sight) -> float:
    lift = one.elevation - start.elevation
    turn = abs((one.azimuth - start.azimuth + 180) % 360 - 180)
    return turn + (lift if lift > 0 else -BELOW * lift)
