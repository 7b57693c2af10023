"""What a reader returns, and the checks that all readers share. No native code runs before these
checks have passed."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats.account import Account
from pipeline.formats.refusals import broken
from pipeline.geometry.readers.parts import side_by_side
from pipeline.geometry.readers.plypaint import whole
from pipeline.geometry.readers.whites import white
from pipeline.geometry.rigid import Array

MOST_POINTS = 2_000_000_000
_SAMPLE = 20_000  # rows that show what the numbers are
_PLACE = (("x", "y", "z"),)
_COLOURS = (
    ("red", "green", "blue"),
    ("r", "g", "b"),
    ("diffuse_red", "diffuse_green", "diffuse_blue"),
)
_NORMALS = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
_ALPHA = frozenset({"alpha", "a", "diffuse_alpha"})


@dataclass
class Raw:
    """One pass as its file gives it, rows unfiltered. ``pose`` maps the pass into the file's common
    frame."""

    name: str
    points: Array
    normals: NDArray[Any] | None = None
    colors: NDArray[np.uint8] | None = None
    grid: NDArray[np.int32] | None = None
    scanner: Array | None = None
    pose: Array | None = None
    unit: str | None = None
    located: bool = False  # the file names the coordinate system that it stands in
    # of a depth camera's frame: (H,W,3) and fx, fy, cx, cy in its pixels
    picture: NDArray[np.uint8] | None = None
    camera: tuple[float, float, float, float] | None = None
    survey: bool = False  # by its format measured with a laser scanner: every point counts
    grey: bool = False  # the colours are the intensity of the echo


def is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def odd_row(name: str, lines: Sequence[str | bytes], fewest: int, before: int = 0) -> InputRejected:
    """The refusal of a table: its first row that is not at least FEWEST numbers, counted from the
    first row of data (BEFORE lines up)."""
    for number, line in enumerate(lines, before + 1):
        text = line.decode("latin-1") if isinstance(line, bytes) else line
        words = text.split()
        if any(re.fullmatch(r"[-+]?\d*,\d+([eE][-+]?\d+)?", word) for word in words):
            return broken(name, f"it writes its numbers with decimal commas: {text.strip()[:60]!r}")
        if len(words) < fewest or not all(map(is_number, words)):
            return broken(
                name, f"row {number} of its points is not {fewest} numbers: {text.strip()[:60]!r}"
            )
    return broken(name, f"its rows are not all of {fewest} numbers")


def to_colors(values: NDArray[Any], account: Account | None = None) -> NDArray[np.uint8]:
    """Colours (N,3) to 0..255: bytes stay, shares 0..1 are scaled up, values of more bits down;
    ACCOUNT hears what was a guess."""
    if values.dtype == np.int8:  # written so by programs that mean bytes: -1 is 255
        return values.view(np.uint8)
    if values.dtype == np.uint8:
        return values
    full = white(values, account)
    if values.dtype == np.uint16:  # most of what large surveys have: without doubles on the way
        if values.max(initial=0) <= 255:
            return values.astype(np.uint8)
        shades = np.clip(np.rint(np.arange(1 << 16) * (255.0 / full)), 0, 255)
        return np.asarray(shades.astype(np.uint8)[values])
    top = float(values.max(initial=0))
    whole = values.dtype == np.float32 and np.isfinite(top)  # of most scanners: no doubles either
    finite = values if whole else np.nan_to_num(np.asarray(values, np.float64))
    top, factor = float(finite.max(initial=0)), 255.0 / full
    scaled = np.rint(finite if factor == 1 else finite * finite.dtype.type(factor))
    if top * factor > 255.5 or finite.min(initial=0) < 0:
        scaled = np.clip(scaled, 0, 255)
    return scaled.astype(np.uint8)


def columns(table: dict[str, NDArray[Any]], *names: tuple[str, ...]) -> NDArray[Any] | None:
    """The first of the column sets ``names`` that is all there, stacked (N,C); None when none
    is."""
    for group in names:
        if all(name in table for name in group):
            return side_by_side([table[name] for name in group])
    return None


def unread(names: Collection[str]) -> list[str]:
    """Those of NAMES that are no column of a whole place, normal or colour."""
    used = whole(names, *_PLACE, *_COLOURS, *_NORMALS) | _ALPHA
    return [name for name in names if name not in used]


def from_columns(name: str, table: dict[str, NDArray[Any]], account: Account | None = None) -> Raw:
    """A pass from named columns: x y z, and normals and colours under the names that programs give
    them."""
    points = columns(table, *_PLACE)
    if points is None:
        raise broken(name, "it has no x, y, z columns")
    colors = columns(table, *_COLOURS)
    normals = columns(table, *_NORMALS)
    return Raw(
        name,
        points.astype(np.float64, copy=False),
        normals,
        None if colors is None else to_colors(colors, account),
    )


def refuse_degrees(name: str, points: Array) -> None:
    """Longitude, latitude and a height without names: next to no extent, beside heights."""
    some = points[:: max(1, len(points) // _SAMPLE)]
    fine = some[np.isfinite(some).all(axis=1)]
    if not len(fine) or np.abs(fine[:, :2]).max() > 180:
        return
    wide, high = float(np.ptp(fine[:, :2], axis=0).max()), float(np.ptp(fine[:, 2]))
    if 0 < wide < min(1e-2, 1e-3 * high):
        raise broken(
            name,
            f"its x and y vary by {wide:.2g} and its z by {high:.2g}, as longitude and latitude in"
            " degrees do, which are no lengths; if they are lengths, name the columns x, y and z",
        )
