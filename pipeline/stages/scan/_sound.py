"""What of a pass is sound: finite points within a scanner's reach, enough of them, not all on one
line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.errors import InputRejected
from pipeline.formats.account import Account, listed
from pipeline.formats.tables import FEWEST_POINTS
from pipeline.stages.scan import _sensor
from pipeline.stages.scan._raw import Raw

FARTHEST = 1e12  # of a coordinate, in any unit
# heights that programs write where nothing was measured; they lie below or above all others
NO_DATA = frozenset(sign * k for sign in (-1, 1) for k in (9999, 99999, 999999)) | {
    -999,
    -32767,
    -32768,
}


def _refuse_flat(name: str, points: np.ndarray) -> None:
    """InputRejected for a pass whose points all lie in one place or on one line: it shows no
    surface."""
    spread = np.linalg.eigvalsh(np.cov((points - points[0]).T))[::-1]
    if spread[1] <= 1e-12 * max(spread[0], 1e-300) or spread[0] == 0:
        where = (
            "in one place"
            if spread[0] <= 1e-24 * max(float(np.abs(points).max()), 1.0) ** 2
            else "on one line"
        )
        raise InputRejected(
            f"{name}: all its points lie {where}",
            remedy="Export the pass again or take it out of the folder.",
        )


def clean(raw: Raw, account: Account) -> tuple[Raw, int]:
    """Leave out rows that are not finite, beyond any scanner's reach or exactly zero; returns how
    many.

    That is said, but for the cells of a range grid in which the scanner met nothing.
    """
    points = np.asarray(raw.points, np.float64)
    # false for what is no number, too
    keep = (np.abs(points) < FARTHEST).all(1) & (points != 0).any(1)
    empty = _no_data(points[:, 2], keep)
    _refuse_few(raw.name, points, int(keep.sum()), account)
    _refuse_flat(raw.name, points[keep])
    rest: dict[str, Any] = {
        key: None if value is None else np.asarray(value)[keep]
        for key, value in (("normals", raw.normals), ("colors", raw.colors), ("grid", raw.grid))
    }
    if raw.scanner is None and rest["grid"] is not None:
        raw.scanner = _sensor.place(points[keep], rest["grid"])
    if raw.scanner is None and raw.pose is None and _sensor.is_zero(points[keep]):
        raw.scanner = np.zeros(3)
    if (
        rest["normals"] is not None
        and not (np.linalg.norm(np.nan_to_num(rest["normals"]), axis=1) > 0.5).all()
    ):
        rest["normals"] = None
        account.remark("its normals are not all there and were not used")
    lost = int((~keep).sum())
    if lost and raw.grid is None:
        account.count(
            "points",
            len(points),
            len(points) - lost,
            "the others are no numbers or lie at exactly 0 0 0" + _words_of(empty),
        )
    return replace(raw, points=points[keep], **rest), lost


def _no_data(heights: np.ndarray, keep: np.ndarray) -> list[float]:
    """Take those out of KEEP whose height stands for "nothing was measured": one of NO_DATA, and
    farther from the others than these lie apart. Returns these heights."""
    found: list[float] = []
    while (kept := heights[keep]).size:
        low, high = float(kept.min()), float(kept.max())
        odd = next((value for value in (low, high) if value in NO_DATA), None)
        rest = keep & (heights != odd)
        if odd is None or not rest.any():
            break
        others = heights[rest]
        if np.abs(others - odd).min() <= np.ptp(others):
            break
        keep &= rest
        found.append(odd)
    return found


def _words_of(empty: list[float]) -> str:
    if not empty:
        return ""
    values = " or ".join(f"{value:.0f}" for value in empty)
    return f", or have the height {values}, which stands for no data"


def _refuse_few(name: str, points: np.ndarray, usable: int, account: Account) -> None:
    """InputRejected for a pass with too few points, with what else was found of its file."""
    if usable >= FEWEST_POINTS:
        return
    besides = f" ({listed(account.differences(), 3)})" if account.differences() else ""
    raise InputRejected(
        f"{name} has {usable} usable points of {len(points)}; a pass needs "
        f"{FEWEST_POINTS}{besides}",
        remedy="Export the pass again or take it out of the folder.",
    )
