"""What the points of a LAS file have: places, colours, and the fields that say something."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.readers.parts import side_by_side

_USED = {"X", "Y", "Z", "red", "green", "blue", "withheld"}


def colours(held: Any) -> NDArray[Any] | None:
    """Red, green, blue; None where there are none, or all of them black."""
    if not {"red", "green", "blue"} <= set(held.point_format.dimension_names):
        return None
    rgb = side_by_side([np.asarray(held[name]) for name in ("red", "green", "blue")])
    return rgb if rgb.any() else None


def places(held: Any) -> NDArray[np.float64]:
    """x, y, z as laspy scales them, without its arrays of each on the way."""
    rows, header = held.points.array, held.header
    made = np.empty((len(rows), 3))
    for at, name in enumerate("XYZ"):
        np.multiply(rows[name], header.scales[at], out=made[:, at])
        made[:, at] += header.offsets[at]
    return made


def kept(held: Any, varied: set[str]) -> NDArray[np.bool_] | None:
    """The points that are not withheld; None where that is all of them."""
    lies_in = held.points.sub_fields_dict["withheld"][0]
    if lies_in not in varied and not (len(held.points) and held.points[:1].withheld[0]):
        return None
    kept = ~np.asarray(held.withheld, bool)
    return None if kept.all() else kept


def lost(held: Any, varied: set[str]) -> Iterator[str]:
    """The dimensions that say something and are no part of a model."""
    packed = held.points.sub_fields_dict
    for name in held.point_format.dimension_names:
        lies_in = packed[name][0] if name in packed else name
        if name not in _USED and lies_in in varied and (name not in packed or np.ptp(held[name])):
            yield name


def varied(rows: NDArray[Any]) -> set[str]:
    """The fields of ROWS that are not used and not the same everywhere. Most are: those that lie
    side by side are looked at together, eight bytes at a time."""
    fields: dict[str, Any] = dict(rows.dtype.fields or {})
    found: set[str] = set()
    for used, group in groupby(rows.dtype.names or (), lambda name: name in _USED):
        names = [*group]
        begin = fields[names[0]][1]
        end = fields[names[-1]][1] + fields[names[-1]][0].itemsize
        if not used and _differ(rows, begin, end):
            found |= {name for name in names if (rows[name] != rows[name][0]).any()}
    return found


def _differ(rows: NDArray[Any], begin: int, end: int) -> bool:
    """Whether bytes BEGIN to END of a row are not the same in all ROWS."""
    while begin < end and len(rows):
        width = next(size for size in (8, 4, 2, 1) if size <= end - begin)
        cells = np.ndarray((len(rows),), f"u{width}", rows, begin, rows.strides)
        if (cells != cells[0]).any():
            return True
        begin += width
    return False
