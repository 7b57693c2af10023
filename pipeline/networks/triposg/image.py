"""From a cut-out RGBA picture to what TripoSG's image encoder looks at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
MARGIN = 0.1  # of the object's longer side, on each side of it


def on_white(rgba: Image) -> Image:
    """RGBA (H,W,4), its transparency what cuts the object out → RGB of the object on white, square
    up to one pixel.

    Truncated to whole numbers, as the training pictures were.
    """
    unit = rgba.astype(np.float32) / 255
    alpha = unit[..., 3:]
    mixed = unit[..., :3] * alpha + 1 * (1 - alpha)
    rows, columns = np.nonzero(rgba[..., 3] > 0)
    cropped = mixed[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = cropped.shape[:2]
    margin = int(MARGIN * max(height, width))
    across = margin if width > height else int(margin + (height - width) / 2)
    along = int(margin + (width - height) / 2) if width > height else margin
    padded = np.pad(cropped, ((along, along), (across, across), (0, 0)), constant_values=1.0)
    return (padded * 255).astype(np.uint8)
