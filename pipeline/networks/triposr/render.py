"""Volume rendering of the field, for previews."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pipeline.networks.triposr.model import TripoSR

DISTANCE, FOV, SAMPLES = 1.9, 40.0, 128


def render(model: TripoSR, planes: Tensor, views: int, size: int, chunk: int = 8192) -> Tensor:
    """planes [1,3,F,H,W] → VIEWS pictures [views,size,size,3] on white, from azimuth 0 (+x) towards
    +y, elevation 0."""
    return torch.stack(
        [_view(model, planes, 2 * math.pi * k / views, size, chunk) for k in range(views)]
    )


def _view(model: TripoSR, planes: Tensor, azimuth: float, size: int, chunk: int) -> Tensor:
    origins, directions = (ray.to(planes) for ray in rays(azimuth, size))
    near, far = _box(origins, directions, model.config.radius * (1 - 1e-3))
    valid = (far - near > 0.01).nonzero()[:, 0]
    picture = torch.ones(size * size, 3, device=planes.device, dtype=planes.dtype)
    middle = (torch.arange(SAMPLES, device=planes.device, dtype=planes.dtype) + 0.5) / SAMPLES
    depth = near[valid, None] + (far - near)[valid, None] * middle
    points = origins[valid, None] + depth[..., None] * directions[valid, None]
    raw = model.raw(planes, points.flatten(0, 1)[None], chunk)[0].reshape(-1, SAMPLES, 4)
    density, color = torch.exp(raw[..., 0] + model.config.density_bias), torch.sigmoid(raw[..., 1:])
    # The step in alpha is a share of the ray, not a length: the network was trained with that.
    alpha = 1 - torch.exp(-density / SAMPLES)
    passed = torch.cumprod(
        torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha[:, :-1] + 1e-10], dim=1), dim=1
    )
    weight = alpha * passed
    picture[valid] = (weight[..., None] * color).sum(1) + (1 - weight.sum(1, keepdim=True))
    return picture.view(size, size, 3)


def rays(azimuth: float, size: int) -> tuple[Tensor, Tensor]:
    """Origins and unit directions [size², 3] of a square camera at DISTANCE that looks at the
    origin, rows from the top."""
    back = torch.tensor([math.cos(azimuth), math.sin(azimuth), 0.0])
    right = torch.tensor([-math.sin(azimuth), math.cos(azimuth), 0.0])
    up = torch.tensor([0.0, 0.0, 1.0])
    focal = 0.5 * size / math.tan(math.radians(FOV) / 2)
    offset = (torch.arange(size) + 0.5 - size / 2) / focal
    v, u = torch.meshgrid(-offset, offset, indexing="ij")
    directions = u[..., None] * right + v[..., None] * up - back
    directions = torch.nn.functional.normalize(directions.reshape(-1, 3), dim=-1)
    return (DISTANCE * back).expand_as(directions), directions


def _box(origins: Tensor, directions: Tensor, half: float) -> tuple[Tensor, Tensor]:
    """Where each ray enters and leaves the cube [-half, half]³."""
    safe = torch.where(directions.abs() < 1e-6, torch.full_like(directions, 1e-6), directions)
    a, b = (-half - origins) / safe, (half - origins) / safe
    return torch.minimum(a, b).amax(-1).clamp_min(0), torch.maximum(a, b).amin(-1)
