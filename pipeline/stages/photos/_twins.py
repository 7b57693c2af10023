"""Photographs that are one picture under several names: phones keep HEIC and JPEG side by side, and
mail and messengers make smaller copies. A second one adds no other place, only weight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

SIDE = 24  # cells along an edge in which two pictures are compared
# grey levels by which cells of one picture differ in another format or at half the size: measured
# up to 3 and 22; those of neighbours two degrees apart, and of the most alike of real sets, from 6
# and 47 upward
MEAN, MOST = 4.0, 30.0
SHAPE = 0.01  # by which the proportions may differ


class Look(NamedTuple):
    """cells: (SIDE, SIDE, 3) of the picture as it is shown; shape: width by height, shown; rank: of
    several that look alike the one with the highest is kept."""

    name: str
    cells: Any
    shape: float
    rank: tuple[Any, ...]


def look(name: str, picture: Any, turned: int, rank: tuple[Any, ...]) -> Look:
    """PICTURE (Pillow, RGB) as stored, to be TURNED as EXIF says."""
    from PIL import Image

    cells = picture.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=4)
    width, height = picture.size
    if turned in UPRIGHT:
        cells = cells.transpose(Image.Transpose(UPRIGHT[turned]))
    shape = height / width if turned > 4 else width / height
    return Look(name, np.asarray(cells, np.int16), shape, rank)


def again(looks: Sequence[Look]) -> dict[str, str]:
    """Which of LOOKS are left out, and the one that shows the same instead."""
    kept: list[Look] = []
    twins: dict[str, str] = {}
    named = sorted(looks, key=lambda each: each.name)
    for one in sorted(named, key=lambda each: each.rank, reverse=True):
        same = next((other for other in kept if _alike(one, other)), None)
        if same is None:
            kept.append(one)
        else:
            twins[one.name] = same.name
    return twins


def _alike(a: Look, b: Look) -> bool:
    if abs(a.shape / b.shape - 1) > SHAPE:
        return False
    off = np.abs(a.cells - b.cells)
    return bool(off.mean() <= MEAN and off.max() <= MOST)


# from the copy to the shown picture, by its orientation (Pillow's Transpose)
UPRIGHT = {3: 3, 6: 4, 8: 2}
