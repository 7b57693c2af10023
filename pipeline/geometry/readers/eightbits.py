"""The 8 bits a channel that a person sees of a picture with more, or with floating-point values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Warn = Callable[[str], None]
DEPTHS = (8, 10, 12, 16)  # bits that values in 16 may really have


def eight_bits(opened: Any, path: Path, name: str, kind: str, warn: Warn) -> Any:
    """OPENED with 8 bits a channel, values of more bits scaled by what the type can hold and not by
    what this picture does hold. TIFF of more bits: deeptiff."""
    from PIL import Image

    if opened.mode in ("F", "I") or opened.mode.startswith("I;16"):
        values = np.asarray(opened)
    elif kind == "png" and _png_bits(path) > 8:
        values = by_opencv(path)
    else:
        opened.load()
        return opened
    image = Image.fromarray(scaled(values, name, warn))
    image.info, exif = {}, opened.getexif()
    image.getexif().update({tag: value for tag, value in exif.items() if tag == 0x0112})
    return image


def _png_bits(path: Path) -> int:
    with path.open("rb") as file:
        return file.read(25)[24]


def by_opencv(path: Path, page: int = 0) -> Array:
    """The values of a picture, or of PAGE of its pages: Pillow cuts 16 bits down to the upper 8 and
    reads no float colours."""
    import cv2

    _, found = cv2.imreadmulti(str(path), start=page, count=1, flags=cv2.IMREAD_UNCHANGED)
    if not found:
        raise ValueError("not read")
    values: Array = found[0]
    order = {3: [2, 1, 0], 4: [2, 1, 0, 3]}.get(values.shape[2] if values.ndim == 3 else 1)
    return values if order is None else values[..., order]


def scaled(values: Array, name: str, warn: Warn) -> NDArray[np.uint8]:
    """Integers of up to 16 bits, or floats from 0 to 1, as uint8. Values that end far below what 16
    bits can hold have fewer bits."""
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        top = float(values.max(initial=0.0))
        white = next((white for white in (1.0, 255.0, 65535.0) if top <= 1.001 * white), top)
        if values.min(initial=0.0) < -0.001 * white or white > 1:
            warn(
                f"{name} holds floating-point values up to {top:g}: {white:g} is taken as white, 0"
                " as black."
            )
    else:
        top = int(values.max(initial=0))
        depth = next((bits for bits in DEPTHS if top < 1 << bits), 32)
        white = float((1 << depth) - 1 if depth < 32 else top)
        if depth != 16:
            warn(
                f"{name} has more than 8 bits a channel, of which it uses values up to {top}:"
                f" {white:g} is taken as white."
            )
    return (values.clip(0, white).astype(np.float64) * (255 / white) + 0.5).astype(np.uint8)
