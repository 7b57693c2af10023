"""What the transparency of a picture says: a cut-out, soft or hard, or nothing of use."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CLEAR = 20  # alpha from which something is seen
# share of a picture that must be clear for its alpha to be a cut-out: rounded corners are none
SURROUND = 0.1
# alpha of what is opaque; the brightest channel of what can be a shadow in the alpha
SOLID, DARK = 200, 40
RIM = 3  # pixels of softness that any outline may have


class Said(NamedTuple):
    """alpha (H,W) uint8 of the object, None where the transparency cuts nothing out; a note for the
    person."""

    alpha: Array | None
    note: str | None = None


def cut_out(rgba: Array) -> Said:
    """The object in RGBA (H,W,4) by its transparency. Soft parts belong to it; a shadow that is
    drawn beside it does not."""
    alpha = rgba[..., 3]
    if (alpha == 255).all():
        return Said(None)
    seen = alpha >= CLEAR
    if seen.mean() > 1 - SURROUND:
        return Said(None, "its transparency cuts nothing out and is not used")
    seen &= ~_shadow(rgba)
    if not (_inner(seen) & (alpha < 128)).sum() > 0.01 * seen.sum():
        return Said(np.where(seen, alpha, 0).astype(np.uint8))
    return Said(
        np.where(seen, 255, 0).astype(np.uint8),
        "it is partly transparent; the object is taken as solid",
    )


def straight(rgba: Array) -> Array:
    """RGBA (H,W,4) whose colours were multiplied by alpha, which shows as a dark rim, with its own
    colours again (library: scipy)."""
    from scipy.ndimage import distance_transform_edt

    alpha = rgba[..., 3].astype(np.float32)
    soft, solid = (alpha >= CLEAR) & (alpha < 250), alpha >= 250
    rgb = rgba[..., :3].astype(np.float32)
    if not soft.any() or not solid.any() or (rgb[soft].max(axis=1) > alpha[soft] + 2).mean() > 0.01:
        return rgba
    row, column = distance_transform_edt(~solid, return_distances=False, return_indices=True)
    near = rgb[row[soft], column[soft]]
    own = np.minimum(rgb[soft] * 255 / alpha[soft, None], 255)
    if np.abs(own - near).mean() >= np.abs(rgb[soft] - near).mean():
        return rgba  # it is dark by itself
    out = rgba.copy()
    out[soft, :3] = (own + 0.5).astype(np.uint8)
    return out


def _shadow(rgba: Array) -> Array:
    """Soft black beside something opaque, as programs draw shadows (H,W)."""
    alpha, dark = rgba[..., 3], rgba[..., :3].max(axis=-1) < DARK
    soft = (alpha >= CLEAR) & (alpha < SOLID)
    solid = alpha >= SOLID
    return (
        soft & dark & _inner(soft & dark, grow=True)
        if solid.sum() > 0.25 * (soft | solid).sum()
        else np.zeros(alpha.shape, bool)
    )


def _inner(mask: Array, grow: bool = False) -> Array:
    """MASK without what is within RIM pixels of its outline; GROW: that, grown back (library:
    scipy)."""
    from scipy.ndimage import distance_transform_edt

    deep: Array = distance_transform_edt(mask) > RIM
    return (
        np.asarray(distance_transform_edt(~deep) <= RIM + 1) & mask if grow and deep.any() else deep
    )
