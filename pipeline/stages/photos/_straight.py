"""Pictures as a pinhole would have taken them: the lens's distortion is undone (library: torch)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

UNSEEN = 0.05  # pixels of distortion below which a picture is left as it is


Params = tuple[float, float, float, float]


def straighten(picture: Any, params: Params, target: Path) -> Params:
    """Write PICTURE (Pillow, RGB) without the distortion k of PARAMS = f, cx, cy, k to TARGET;
    fx, fy, cx, cy of the pinhole. Its focal length is as long as it takes to leave no corner
    empty."""
    picture, focal = _straight(picture, params, "bicubic")
    picture.save(target, quality=95, subsampling=0)
    return focal, focal, params[1], params[2]


def straighten_mask(mask: Any, params: Params, target: Path) -> None:
    """The same for what goes with a picture, of the same size, black and white."""
    _straight(mask.convert("L"), params, "nearest")[0].save(target, compress_level=1)


def unbent(place: Any, params: Params) -> Any:
    """The ray x/z, y/z (2,) of the pixel PLACE of a picture with PARAMS f, cx, cy, k."""
    focal, cx, cy, k = params
    bent = (np.asarray(place, float) - (cx, cy)) / focal
    ray = bent
    for _ in range(30):
        ray = bent / (1 + k * (ray @ ray))
    return ray


def _straight(picture: Any, params: Params, reading: str) -> tuple[Any, float]:
    focal, cx, cy, k = params
    width, height = picture.size
    corner = np.hypot(max(cx, width - cx), max(cy, height - cy)) / focal
    if abs(k) * corner**3 * focal < UNSEEN:
        return picture, focal
    # a bulge outward shows less than the pinhole would
    stretch = 1.0 if k <= 0 else 1 + k * corner**2
    return _remapped(picture, params, focal * stretch, reading), focal * stretch


def _remapped(picture: Any, params: Params, focal: float, reading: str) -> Any:
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
    source = torch.from_numpy(np.array(picture)).reshape(height, width, -1).permute(2, 0, 1)
    result = torch.nn.functional.grid_sample(
        source[None].float(), grid[None].float(), reading, "border", align_corners=False
    )
    bytes_ = result[0].clamp(0, 255).round().byte().permute(1, 2, 0).numpy()
    return Image.fromarray(bytes_.squeeze())
