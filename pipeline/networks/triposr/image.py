"""From a cut-out RGBA picture to TripoSR's conditioning image."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Image = NDArray[np.uint8]


def crop_and_pad(rgba: Image, ratio: float = 0.85) -> Image:
    """RGBA (H,W,4) → a square in which the opaque part's longer side fills RATIO of the edge.

    The last row and column of the bounding box are cut: the checkpoint was trained with pictures
    made that way.
    """
    rows, columns = np.nonzero(rgba[..., 3] > 0)
    cropped = rgba[rows.min() : rows.max(), columns.min() : columns.max()]
    side = max(cropped.shape[:2])
    return _pad(_pad(cropped, side), int(side / ratio))


def _pad(rgba: Image, side: int) -> Image:
    height, width = rgba.shape[:2]
    top, left = (side - height) // 2, (side - width) // 2
    return np.pad(rgba, ((top, side - height - top), (left, side - width - left), (0, 0)))


def on_grey(rgba: Image) -> Image:
    """RGBA (H,W,4) → RGB (H,W,3) over mid grey, truncated to whole numbers as the training pictures
    were."""
    unit = rgba.astype(np.float32) / 255
    alpha = unit[..., 3:]
    mixed = unit[..., :3] * alpha + (1 - alpha) * np.float32(0.5)
    return (mixed * 255).astype(np.uint8)


def conditioning(rgb: Image, size: int) -> Tensor:
    """RGB (H,W,3) → [1,3,size,size] in 0..1, bilinear with antialiasing."""
    unit = torch.from_numpy(rgb.astype(np.float32) / 255).permute(2, 0, 1)[None]
    return F.interpolate(unit, (size, size), mode="bilinear", align_corners=False, antialias=True)
