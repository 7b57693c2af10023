"""Which number means full light in the colours of a file, by the numbers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account

Array = NDArray[Any]
DEPTHS = (10, 12)  # bits of cameras whose values stand in 16
FEW, BEYOND = 0.005, 512  # a share of values, and how far they may lie beyond a byte, as slips


def white(values: Array, account: Account | None = None) -> float:
    """1 of shares, 255 of bytes, 65535 of 16 bits; ACCOUNT hears of what is none of these. NaN does
    not matter."""
    top = float(np.nanmax(values, initial=0.0)) if values.size else 0.0
    if values.dtype.kind == "f" and top <= 1.0:
        return 1.0
    if top <= 255:
        if account is not None and top <= 100 and values.dtype.kind == "f" and _broken(values):
            account.remark(
                f"its colours have fractions and reach {top:g}; 255 was taken as white, not 100"
            )
        return 255.0
    slips = top < BEYOND and float((values > 255).mean()) < FEW
    bits = next((depth for depth in DEPTHS if top < 1 << depth), 16)
    found = 255.0 if slips else float((1 << bits) - 1)
    if account is not None and found < 65535:
        account.remark(f"its colours reach {top:g}, and {found:g} was taken as white")
    wide = values.dtype.kind in "iu" and values.dtype.itemsize > 2
    return max(found, top) if wide and bits == 16 else found


def _broken(values: Array) -> bool:
    """Whether there are fractions: per cent, it may be."""
    fine = values[np.isfinite(values)]
    return bool((fine != np.rint(fine)).any())
