"""The intensity of a scanner's echo as grey, for passes that have no colours of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.stages.scan._raw import Raw

NAMES = ("intensity", "scalar_intensity", "reflectance")  # in PLY and PCD
_ENDS = (1.0, 99.0)  # percent of the points that are no darker than black, and not yet white
_SAMPLE = 200_000  # points that these are measured on


def paint(raw: Raw, intensity: NDArray[Any] | None, account: Account) -> bool:
    """Give RAW grey colours (N,3) by the INTENSITY (N,) of its points, in whatever range that is;
    False where it has colours, or all of its points shine alike."""
    if raw.colors is not None or intensity is None:
        return False
    met = np.isfinite(raw.points).all(1) & (raw.points != 0).any(1)  # by the laser
    some = intensity[met & np.isfinite(intensity)]
    some = some[:: max(1, len(some) // _SAMPLE)]
    low, high = np.percentile(some, _ENDS) if len(some) else (0.0, 0.0)
    if low == high:
        return False
    shades = np.asarray(intensity, np.float32)
    shades = np.nan_to_num((shades - np.float32(low)) * np.float32(255 / (high - low)), nan=128)
    grey = np.clip(np.rint(shades), 0, 255).astype(np.uint8)
    raw.colors, raw.grey = np.repeat(grey[:, None], 3, axis=1), True
    account.remark("it has no colours; the intensity of its points is shown as grey")
    return True


def of_table(raw: Raw, table: dict[str, NDArray[Any]], account: Account) -> set[str]:
    """Give RAW grey colours by the intensity in its TABLE; the names of the column that was
    used."""
    name = next((one for one in NAMES if one in table), "")
    return {name} if paint(raw, table.get(name), account) else set()
