"""Which column of a table is what, where no header says so: by the number of columns and the values
themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _first_column

_RGB, _NORMAL, _XYZ = ("red", "green", "blue"), ("nx", "ny", "nz"), ("x", "y", "z")
_SAMPLE = 200_000  # rows that are looked at
_DARKEST = 32  # three whole numbers that never get this far are classes and counts, not colours


def roles(
    values: Array, told: tuple[str | None, ...], ending: str, account: Account
) -> list[str | None]:
    """A role or None for each column. told: roles of the first columns from the words above them;
    ending: the suffix of the file's name, for .pts is x y z intensity r g b by convention, and
    .xyzrgb has colours. What was guessed or not understood is noted in ACCOUNT."""
    some = values[:: max(1, len(values) // _SAMPLE)]
    found: list[str | None] = [*told]
    if not told:
        found = [*_first_column.roles(values, account), *_XYZ]
        found = _swapped(some, found, account)
    rest = some[:, len(found) :]
    taken = {role for role in found if role}
    more = _guess(rest, ending, not taken & set(_RGB), not taken & set(_NORMAL), account)
    if told and any(more):
        account.remark(
            f"columns {len(found) + 1} and after have no names; what they hold was taken from their"
            " values"
        )
    return found + more


def _swapped(some: Array, found: list[str | None], account: Account) -> list[str | None]:
    """Northing before Easting where only that is a place in a UTM grid: taken as x, y in the other
    order, else the scan is mirrored."""
    at = len(found) - 3
    with np.errstate(invalid="ignore"):
        first, second = np.nanmedian(some[:, at]), np.nanmedian(some[:, at + 1])
    if 1.0e6 < first < 1.0e7 and 1.6e5 < second < 8.4e5:
        account.remark(
            "its first two coordinates look like Northing and Easting (UTM), so x is the second "
            "and y the first of them; a line of column names above the rows decides it"
        )
        return [*found[:at], "y", "x", "z"]
    return found


def _guess(
    rest: Array, ending: str, colours: bool, normals: bool, account: Account
) -> list[str | None]:
    """Roles of the columns after x, y, z: unit vectors are normals; whole numbers to 255 or 65535
    and shares of 1 are colours."""
    wide, pts = rest.shape[1], ending == ".pts"
    found: list[str | None] = [None] * wide
    starts = range(wide - 2)
    normal = next(
        (at for at in starts if normals and _is_normal(rest[:, at : at + 3], ending)), None
    )
    if normal is not None:
        found[normal : normal + 3] = _NORMAL
        if np.nanmin(rest[:, normal : normal + 3]) >= 0:
            account.remark(
                "three columns after x, y, z were taken as normals, for each of their rows has the"
                " length 1, though shares of red, green and blue could look so; a line of column"
                " names decides it"
            )
    free = [
        at
        for at in starts
        if colours and not any(found[at : at + 3]) and _is_colour(rest[:, at : at + 3])
    ]
    if free:
        at = _likeliest(rest, free, pts, account)
        found[at : at + 3] = _RGB
    left = [at for at in range(wide) if found[at] is None]
    if left == [0] or (pts and left[:1] == [0]):
        found[0] = "intensity"
    return found


def _likeliest(rest: Array, free: list[int], pts: bool, account: Account) -> int:
    """Of several places where three columns may be colours: behind the intensity in PTS, else the
    first, and that is said."""
    bytes_alone = [at for at in free if np.nanmax(rest[:, at : at + 3]) <= 255]
    if 0 < len(bytes_alone) < len(free):  # what reaches beyond is an intensity beside bytes
        free = bytes_alone
    if len(free) == 1:
        return free[0]
    if pts and 1 in free:
        return 1
    if not (rest.shape[1] == 4 and (rest[:, 3] == 255).all()):  # r g b a
        one, end = free[0] + 4, free[0] + 6
        account.remark(
            f"columns {one} to {end} were taken as red, green, blue, but others could be; a line of"
            " column names decides it"
        )
    return free[0]


def _is_normal(triple: NDArray[np.float64], ending: str) -> bool:
    """Without a negative number they could be shares of colours: every row must speak against it,
    and the name of the file must not speak for it."""
    fine = triple[np.isfinite(triple).all(axis=1)]
    if not len(fine):
        return False
    with np.errstate(over="ignore"):
        near = np.abs(np.linalg.norm(fine, axis=1) - 1) < 0.02
    if fine.min() < 0:
        return bool(near.mean() > 0.9)
    return bool(near.all()) and not ending.startswith(".xyzrgb")


def _is_colour(triple: NDArray[np.float64]) -> bool:
    fine = triple[np.isfinite(triple).all(axis=1)]
    if not len(fine) or fine.min() < 0:
        return False
    whole, top = bool((fine == np.rint(fine)).all()), float(fine.max())
    if whole:
        return _DARKEST <= top <= 65535 or top == 1
    return top <= 1.0
