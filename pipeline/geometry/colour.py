"""sRGB and linear light, and colours of cut-outs. Inside, colours are sRGB uint8; glTF's vertex
colours and any shading are linear."""

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
    curved = np.where(
        clipped <= 0.0031308, clipped * 12.92, 1.055 * np.power(clipped, 1 / 2.4) - 0.055
    )
    rounded: NDArray[np.uint8] = (curved * 255 + 0.5).astype(np.uint8)
    return rounded


def spread(rgb: NDArray[Any], inside: NDArray[np.bool_], margin: float = 0.0) -> NDArray[Any]:
    """RGB (H,W,3) where every pixel not more than MARGIN pixels within the mask INSIDE (H,W) has
    the colour of the nearest one that is.

    Parts thinner than that keep the colours along their middle; without a mask nothing changes
    (library: scipy)."""
    from scipy.ndimage import distance_transform_edt, maximum_filter

    if not inside.any():
        return rgb
    depth = distance_transform_edt(inside)
    middle = maximum_filter(depth, 2 * int(np.ceil(margin)) + 1)
    sure = inside & (depth >= np.minimum(middle, margin + 1))
    row, column = distance_transform_edt(~sure, return_distances=False, return_indices=True)
    nearest: NDArray[Any] = rgb[row, column]
    return nearest


def _table() -> NDArray[np.float32]:
    value = np.arange(256) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


_TABLE = _table()
