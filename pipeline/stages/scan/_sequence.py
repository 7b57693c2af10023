"""What a person tells of the order in which passes were taken, as evidence; at size 1.

Passes on a turntable stand a known turn apart about its axis; in a sequence each was taken near the
one before. Both go by the files' names, numbers in them by their size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._symmetry import Symmetry

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_SPEAKS = 40.0  # points that a person's word counts as, for each two passes
_SHARP = 12.0  # degrees by which the place of a camera may be mistaken
_BESIDE, _SAME = 75.0, 6.0  # degrees between neighbours of a sequence, at the most and at the least


@dataclass(frozen=True)
class Told:
    """steps: equal turns in a full turn of the table, None where it is not told; places: of each
    pass in the order of the names, None where the order is not told."""

    steps: int | None = None
    places: tuple[int, ...] | None = None

    @property
    def directions(self) -> tuple[int, ...]:
        """In which the table may have turned."""
        return (1, -1) if self.steps else (1,)

    def neighbours(self, a: int, b: int) -> bool:
        """Whether two passes were taken one after the other."""
        if self.places is None:
            return False
        apart = abs(self.places[a] - self.places[b])
        return apart == 1 or (self.steps is not None and apart == self.steps - 1)

    def gain(
        self, a: int, b: int, looks: dict[int, Array], symmetry: Symmetry, direction: int
    ) -> Array:
        """What the order says for each motion (H,) of pass a against pass b, in points."""
        if self.places is None:
            return np.zeros(len(symmetry.motions))
        moved = symmetry.motions[:, :3, :3] @ looks[a]
        if self.steps is None or symmetry.slip is None or not symmetry.slip.turns:
            if not self.neighbours(a, b):
                return np.zeros(len(moved))
            angle = np.degrees(np.arccos(np.clip(moved @ looks[b], -1, 1)))
            return np.asarray(_SPEAKS * ((angle < _BESIDE) & (angle > _SAME)))
        turn = direction * 360.0 / self.steps * (self.places[a] - self.places[b])
        off = _around(moved, looks[b], symmetry.slip.axis) - turn
        off = (off + 180) % 360 - 180
        return np.asarray(_SPEAKS * np.exp(-0.5 * (off / _SHARP) ** 2))


def told(names: list[str], turntable: int | None, order: str) -> Told:
    """What the options say of passes with these names."""
    if turntable is None and order != "sequence":
        return Told()
    ranked = sorted(range(len(names)), key=lambda k: _by_number(names[k]))
    places: NDArray[np.int64] = np.argsort(ranked)
    return Told(turntable, tuple(int(place) for place in places))


def _by_number(name: str) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d+)", name.casefold())
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts]


def _around(moved: Array, fixed: Array, axis: Array) -> Array:
    """Degrees about the axis from one direction (3,) to others (H,3)."""
    flat = clouds.unit(moved - np.outer(moved @ axis, axis))
    aim = clouds.unit((fixed - (fixed @ axis) * axis)[None])[0]
    return np.asarray(np.degrees(np.arctan2(np.cross(aim, flat) @ axis, flat @ aim)))
