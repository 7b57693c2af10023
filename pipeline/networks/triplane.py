"""Sampling features from three axis-aligned planes, and evaluating long point lists in chunks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

# per plane: the point's coordinate along its columns, along its rows
Axes = tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


def sample_planes(planes: Tensor, points: Tensor, axes: Axes) -> Tensor:
    """planes [B,3,C,H,W], points [B,N,3] with the planes covering [-1,1] → features [B,N,3·C],
    plane by plane; zeros outside."""
    places = torch.stack([points[..., list(pair)] for pair in axes], dim=1)  # [B,3,N,2]
    places = places.flatten(0, 1)[:, None]
    features = F.grid_sample(
        planes.flatten(0, 1), places, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    joined = features.reshape(len(planes), 3, planes.shape[2], -1).permute(0, 3, 1, 2)  # [B,N,3,C]
    return joined.flatten(2)


def in_chunks(function: Callable[[Tensor], Tensor], points: Tensor, chunk: int) -> Tensor:
    """FUNCTION over points [B,N,…] in pieces of CHUNK along N (0: all at once), joined again. The
    values do not depend on CHUNK."""
    if chunk <= 0 or points.shape[1] <= chunk:
        return function(points)
    return torch.cat([function(piece) for piece in torch.split(points, chunk, dim=1)], dim=1)
