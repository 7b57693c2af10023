"""Whether the first column of a table without names is no coordinate: it numbers the points, or
tells the time of each."""

from __future__ import annotations

import numpy as np

from pipeline.formats.account import Account
from pipeline.geometry.rigid import Array

APART = "apart"  # the role of a first column that is no coordinate
FEWEST = 10  # rows that show what a column is
EVEN = 0.05  # of a step that steps of a clock may differ by
UNIX = (1.0e9, 2.2e9)  # seconds since 1970, from 2001 to 2039


def roles(values: Array, account: Account) -> list[str | None]:
    """[APART], which is said, or nothing. values (N,C): the whole table, C ≥ 3."""
    if values.shape[1] < 4 or len(values) < FEWEST:
        return []
    first = values[:, 0]
    if numbers(first, values[:, 1:4]):
        what = "counts its rows: taken as point numbers"
    elif times(first):
        what = "rises as a clock does: taken as times"
    else:
        with np.errstate(invalid="ignore"):
            if bool((np.diff(first) >= 0).all()):
                account.remark(
                    "its first column never falls and was taken as x; if it counts time, a line of"
                    " column names says so"
                )
        return []
    account.remark(f"the first column {what}, and the three after it as x, y, z")
    return [APART]


def numbers(first: Array, places: Array) -> bool:
    """Nothing but a count, or names of points beside places that have fractions."""
    with np.errstate(invalid="ignore"):
        step = np.diff(first)
        broken = places != np.rint(places)
        if not (first == np.rint(first)).all():
            return False
    counts = bool((step > 0).all()) and float((step == 1).mean()) > 0.5
    return counts or (
        len(np.unique(first)) == len(first) and bool((broken.mean(axis=0) > 0.5).all())
    )


def times(first: Array) -> bool:
    """A clock never stands or goes back, and its steps are alike; or these are seconds since
    1970."""
    with np.errstate(invalid="ignore"):
        step = np.diff(first)
        if not (step >= 0).all():
            return False
        since = UNIX[0] < first[0] and first[-1] < UNIX[1]
        even = bool((np.abs(step - np.median(step)) <= EVEN * np.median(step)).mean() > 0.9)
    return since or (bool((step > 0).all()) and even)
