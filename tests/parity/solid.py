"""A TripoSG set's analytic solid, by the product's own lattice and isosurface."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.geometry.isosurface import marching_cubes
from pipeline.networks.lattice import sample
from pipeline.networks.triposg.vae import HALF
from tests.parity import meshes

Array = NDArray[Any]


def field(said: dict[str, Any], points: Array) -> Array:
    """The solid's values at POINTS (N,3), positive inside."""
    parts = [_part(kind, points - np.array(at), size) for kind, at, size in said["parts"]]
    return np.asarray(said["gain"] * np.max(parts, axis=0))


def _part(kind: str, d: Array, size: list[float]) -> Array:
    match kind:
        case "ball":
            return np.asarray(size[0] - np.linalg.norm(d, axis=-1))
        case "ellipsoid":
            return np.asarray((1 - np.linalg.norm(d / np.array(size), axis=-1)) * min(size))
        case "torus":
            around = np.hypot(d[..., 0], d[..., 2]) - size[0]
            return np.asarray(size[1] - np.hypot(around, d[..., 1]))
    raise ValueError(kind)


def computed(facts: dict[str, Any], recorded: dict[str, Array]) -> dict[str, Callable[[], Any]]:
    res = facts["dense_res"]
    axis = np.linspace(-HALF, HALF, res).astype(np.float32)

    def ask(indices: Tensor) -> Tensor:
        points = axis[indices.numpy()].astype(np.float64)
        return torch.from_numpy(field(facts["solid"], points).astype(np.float32))

    @cache
    def mesh() -> tuple[Array, Array]:
        vertices, faces = marching_cubes(sample(ask, res, 0.0), 0.0)
        return vertices / (res - 1) * (2 * HALF) - HALF, faces

    def measures() -> Array:
        corners = mesh()[0][mesh()[1]]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area = np.linalg.norm(cross, axis=1).sum() / 2
        return np.array([area, (corners[:, 0] * cross).sum() / 6])

    return {
        "solid_grid": lambda: sample(ask, res, 0.0, 1),
        "solid_vertices": lambda: meshes.nearest(mesh()[0], recorded["solid_vertices"])[0],
        "solid_counts": lambda: np.array([len(part) for part in mesh()]),
        "solid_measures": measures,
        "solid_bounds": lambda: np.array([mesh()[0].min(axis=0), mesh()[0].max(axis=0)]),
    }
