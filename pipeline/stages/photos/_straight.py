"""Pictures as a pinhole would have taken them: the lens's distortion is undone (library: torch)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

UNSEEN = 0.05  # pixels of distortion below which a picture is left as it is


def straighten(
    picture: Any, params: tuple[float, float, float, float], target: Path
) -> tuple[float, float, float, float]:
    """Write PICTURE (Pillow, RGB) without the distortion k of PARAMS = f, cx, cy, k to TARGET;
    fx, fy, cx, cy of the pinhole. Its focal length is as long as it takes to leave no corner
    empty."""
    focal, cx, cy, k = params
    width, height = picture.size
    corner = np.hypot(max(cx, width - cx), max(cy, height - cy)) / focal
    if abs(k) * corner**3 * focal >= UNSEEN:
        # a bulge outward shows less than the pinhole would
        stretch = 1.0 if k <= 0 else 1 + k * corner**2
        picture, focal = _remapped(picture, params, focal * stretch), focal * stretch
    picture.save(target, quality=95, subsampling=0)
    return focal, focal, cx, cy


def _remapped(picture: Any, params: tuple[float, float, float, float], focal: float) -> Any:
    import torch
    from PIL import Image

    old, cx, cy, k = params
    width, height = picture.size
    x = (torch.arange(width) + 0.5 - cx) / focal
    y = (torch.arange(height) + 0.5 - cy)[:, None] / focal
    factor = 1 + k * (x * x + y * y)
    # align_corners=False: -1 and 1 are the outer edges, as pixels are counted here
    grid = torch.stack(
        [
            2 * (old * x * factor + cx) / width - 1,
            2 * (old * y * factor + cy) / height - 1,
        ],
        -1,
    )
    source = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    result = torch.nn.functional.grid_sample(
        source, grid[None].float(), mode="bicubic", padding_mode="border", align_corners=False
    )
    bytes_ = result[0].clamp(0, 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(bytes_)
