"""From a network's field to a surface: upright, with the field's colours, or a clear word where
there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.backends.protocol import Picture
from pipeline.errors import MeshEmpty
from pipeline.geometry.isosurface import marching_cubes
from pipeline.geometry.rigid import turned
from pipeline.geometry.surface import Surface
from pipeline.networks.lattice import sample

REMEDY = "Give a picture of one whole object on a plain background, or ask for backend=visual-hull."


def upright(points: NDArray[Any]) -> NDArray[Any]:
    """Points (N,3) from the networks' frame (z up, front +x) to the canonical one (y up, front +z):
    a rotation."""
    return points[:, [1, 2, 0]]


def iso_mesh(
    density: Callable[[Tensor], Tensor],
    planes: Tensor,
    half: float,
    grid: int,
    level: float,
    step: int | None = None,
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The surface density = LEVEL in [-half, half]³: vertices (V,3) in the network's frame,
    triangles (F,3) that face outside.

    DENSITY maps points [1,N,3] to values [1,N]; it is asked coarse to fine on GRID³ points.
    """
    axis = (torch.linspace(0, 1, grid) * (2 * half) - half).to(planes)
    values = sample(
        lambda indices: density(axis[indices][None])[0].float(), grid, level, step, planes.device
    )
    vertices, faces = marching_cubes(values, level)
    return (vertices / (grid - 1) * 2 - 1) * half, faces


def shut(values: Tensor, outside: float) -> bool:
    """Make the outermost of the VALUES (R,R,R) OUTSIDE at most, which is below the level, so that
    the surface closes; whether any was above 0."""
    cut = False
    for axis in range(3):
        for end in (0, -1):
            side = values.select(axis, end)
            cut = cut or bool((side > 0).any())
            side.clamp_(max=outside)
    return cut


def front(pictures: Sequence[Picture]) -> Picture:
    """The picture nearest to the front."""
    return min(pictures, key=lambda picture: abs((picture.azimuth + 180) % 360 - 180))


def finished(
    vertices: NDArray[Any],
    faces: NDArray[Any],
    color: Callable[[Tensor], Tensor],
    planes: Tensor,
    azimuth: float = 0.0,
) -> Surface:
    """vertices (V,3) in the networks' frame; COLOR maps [1,V,3] to RGB [1,V,3] in 0..1. AZIMUTH is
    that of the network's front.

    MeshEmpty where there are no faces.
    """
    if not len(faces):
        raise MeshEmpty(
            "No surface was found in the field that the network made of the views.", remedy=REMEDY
        )
    points = torch.from_numpy(vertices.astype(np.float32)).to(planes)[None]
    rgb = color(points)[0].float().clamp(0, 1).cpu().numpy()
    return Surface(
        turned(upright(vertices).astype(np.float64), azimuth),
        faces.astype(np.int32),
        colors=(rgb * 255 + 0.5).astype(np.uint8),
    )
