"""A cut-out picture on the ground that a network was trained on, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# grey levels: that close to the background and joined to the border, a pixel is background
NEAR = 12


def on_ground(rgba: NDArray[np.uint8], ground: int) -> NDArray[np.uint8]:
    """RGBA (H,W,4) → RGB (H,W,3) over the grey level GROUND."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    mixed: NDArray[np.uint8] = (rgba[..., :3] * alpha + ground * (1 - alpha) + 0.5).astype(np.uint8)
    return mixed


def normalised(
    rgb: NDArray[np.uint8],
    *,
    crop_size: Any,
    image_mean: Any,
    image_std: Any,
    resample: int,
    **_: Any,
) -> Tensor:
    """A square RGB picture → [1,3,S,S] as a preprocessor_config.json asks for (library: Pillow)."""
    from PIL import Image

    edge = crop_size["height"] if isinstance(crop_size, dict) else crop_size
    resized = (
        np.asarray(
            Image.fromarray(rgb).resize((edge, edge), Image.Resampling(resample)), np.float32
        )
        / 255
    )
    unit = (resized - np.asarray(image_mean, np.float32)) / np.asarray(image_std, np.float32)
    return torch.from_numpy(unit).permute(2, 0, 1)[None].float()


def cropped(
    rgb: NDArray[np.uint8], edge: int, crop: int, mean: Any, std: Any, resample: int = 3
) -> Tensor:
    """RGB (H,W,3) → [1,3,crop,crop]: the middle of the picture whose shorter side became EDGE, less
    the MEAN, over STD (library: Pillow).

    RESAMPLE is Pillow's number of a filter; its filters round to bytes and prevent aliasing, so
    another library's are no substitute.
    """
    from PIL import Image

    height, width = rgb.shape[:2]
    short = min(height, width)
    size = (int(edge * width / short), int(edge * height / short))
    resized = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling(resample)))
    top, left = ((side - crop) // 2 for side in resized.shape[:2])
    unit = resized[top : top + crop, left : left + crop].astype(np.float32) / np.float32(255)
    normed = (unit - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return torch.from_numpy(normed).permute(2, 0, 1)[None].contiguous()


def on_white(rgb: NDArray[np.uint8], ground: int) -> NDArray[np.uint8]:
    """A view (S,S,3) with the background of grey level GROUND made white: what is NEAR the border's
    colour and joined to the border."""
    if ground == 255:
        return rgb
    from scipy.ndimage import label

    border = np.ones(rgb.shape[:2], bool)
    border[2:-2, 2:-2] = False
    colour = np.median(rgb[border], axis=0)
    regions, _ = label(np.abs(rgb - colour).max(axis=-1) < NEAR)
    background = np.isin(regions, np.setdiff1d(regions[border], 0))
    return np.where(background[..., None], np.uint8(255), rgb)
