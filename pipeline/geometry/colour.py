"""sRGB and linear light. Inside, colours are sRGB uint8; glTF's vertex colours and any shading are linear."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_linear(srgb: NDArray[Any]) -> NDArray[np.float32]:
    """uint8 sRGB → linear light 0…1."""
    linear: NDArray[np.float32] = _TABLE[srgb]
    return linear


def to_srgb(linear: NDArray[Any]) -> NDArray[np.uint8]:
    """Linear light 0…1 → uint8 sRGB, rounded."""
    clipped = np.clip(linear, 0.0, 1.0)
    curved = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * np.power(clipped, 1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = (curved * 255 + 0.5).astype(np.uint8)
    return rounded


def _table() -> NDArray[np.float32]:
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


_TABLE = _table()
