"""Cameras as InstantMesh takes them: twelve numbers of the camera-to-world matrix and four of the
lens."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

# Zero123++ v1.2: the six tiles, row by row, relative to the input view.
AZIMUTHS = (30.0, 90.0, 150.0, 210.0, 270.0, 330.0)
ELEVATIONS = (20.0, -10.0, 20.0, -10.0, 20.0, -10.0)
FOUR = (0, 2, 4, 5)  # the tiles used when only four views are given
FOV, RADIUS = 30.0, 4.0


def cameras(views: int = 6, radius: float = RADIUS) -> Tensor:
    """The Zero123++ cameras [views,16], 6 views or the 4 of FOUR."""
    tiles = FOUR if views == 4 else range(6)
    return cameras_at([AZIMUTHS[t] for t in tiles], [ELEVATIONS[t] for t in tiles], radius)


def cameras_at(
    azimuths: Sequence[float], elevations: Sequence[float], radius: float = RADIUS, fov: float = FOV
) -> Tensor:
    """Cameras [V,16] at degrees from +x towards +y and above the ground, looking at the origin, z
    up; angles in degrees."""
    az, el = (
        torch.tensor(angles, dtype=torch.float64).deg2rad() for angles in (azimuths, elevations)
    )
    position = radius * torch.stack([el.cos() * az.cos(), el.cos() * az.sin(), el.sin()], dim=-1)
    backwards = position / position.norm(dim=-1, keepdim=True)
    right = torch.linalg.cross(
        torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64).expand_as(backwards), backwards
    )
    right = right / right.norm(dim=-1, keepdim=True)
    up = torch.linalg.cross(backwards, right)
    rows = torch.stack([right, up, backwards, position], dim=-1).flatten(1)  # [V,12], row by row
    focal = 0.5 / math.tan(math.radians(fov) / 2)
    lens = torch.tensor([focal, focal, 0.5, 0.5], dtype=torch.float64).expand(len(rows), 4)
    return torch.cat([rows, lens], dim=1).float()
