"""A mesh from InstantMesh's field: the grid near the surface only, weights for surface cubes
only."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.networks.instantmesh.flexicubes import (
    cube_corners,
    flexicubes,
    grid_positions,
    surface_cubes,
)
from pipeline.networks.instantmesh.model import InstantMesh
from pipeline.networks.lattice import sample

Floats = NDArray[np.float32]
Ints = NDArray[np.integer]


def mesh_surface(
    model: InstantMesh, planes: Tensor, grid: int, chunk: int = 65536, step: int | None = None
) -> tuple[Floats, NDArray[np.int32]]:
    """planes [1,3,F,H,W] → vertices (V,3) in the field frame and triangles (F,3) facing outside;
    both empty where there is no surface."""
    positions = grid_positions(grid, model.config.scale)

    places = torch.from_numpy(positions).to(planes)
    stride = torch.tensor([(grid + 1) ** 2, grid + 1, 1], device=planes.device)

    def ask(indices: Tensor) -> Tensor:
        return model.sdf(planes, places[(indices * stride).sum(dim=1)][None], chunk)[0].float()

    sdf = sample(ask, grid + 1, 0.0, step, planes.device).cpu().numpy()
    if empty(sdf):
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)
    cubes = surface_cubes(sdf)
    corners = cube_corners(cubes, grid)
    near = np.unique(corners)
    # The raw positions are queried; only the mesh is built on the deformed ones.
    weights = _numpy(model.weight(planes, _points(positions[corners], planes), max(1, chunk // 16)))
    moved = positions.copy()
    moved[near] += np.tanh(
        _numpy(model.deformation(planes, _points(positions[near], planes), chunk))
    ) / np.float32(4 * grid)
    vertices, faces = flexicubes(sdf, moved, cubes, weights)
    return vertices.astype(np.float32), faces.astype(np.int32)


def empty(sdf: Floats) -> bool:
    """Whether the grid's inner points all lie on one side: what crosses the outermost layer only is
    no object."""
    inner = sdf[1:-1, 1:-1, 1:-1]
    return not ((inner > 0).any() and (inner < 0).any())


def _points(positions: Floats, planes: Tensor) -> Tensor:
    return torch.from_numpy(positions).to(planes)[None]


def _numpy(values: Tensor) -> Floats:
    array: Floats = values[0].float().cpu().numpy()
    return array
