"""Gaussian splats in a PLY: their middles are points, their first harmonic is a colour."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account

_HARMONIC = 0.28209479177387814  # of degree 0: 1 / (2 √π)
_MARKS = ("f_dc_0", "f_dc_1", "f_dc_2")


def are(table: dict[str, NDArray[Any]]) -> bool:
    """Do these columns describe splats?"""
    return set(_MARKS) <= set(table)


def coloured(table: dict[str, NDArray[Any]], account: Account) -> dict[str, NDArray[Any]]:
    """TABLE, with red, green and blue where it holds splats."""
    if not are(table):
        return table
    account.remark(
        "it holds Gaussian splats: their middles were taken as points, with their base colours;"
        " size, turn and opacity are lost"
    )
    shares = [
        np.clip(0.5 + _HARMONIC * np.nan_to_num(table[mark].astype(np.float64)), 0, 1)
        for mark in _MARKS
    ]
    colours = {
        name: np.rint(255 * share).astype(np.uint8)
        for name, share in zip(("red", "green", "blue"), shares, strict=True)
    }
    return {
        name: values for name, values in table.items() if name not in ("nx", "ny", "nz")
    } | colours
