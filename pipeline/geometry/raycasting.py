"""Meshes to cast rays at and to measure distances from (library: Open3D)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface

Array = NDArray[Any]


class Sized(NamedTuple):
    """A surface as a ``scene`` around zero and of unit size: its float32 would hold the coordinates
    of a survey to centimetres only. A point p of the surface is at (p - centre) * scale there."""

    scene: Any
    centre: Array
    scale: float

    def placed(self, points: Array) -> Array:
        """Where POINTS (N,3) of the surface are in the scene, float32."""
        return np.asarray(((points - self.centre) * self.scale).astype(np.float32))


def scene_of(vertices: Array, faces: Array) -> Any:
    """An Open3D RaycastingScene of vertices (V,3) and faces (F,3), in float32."""
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(
        o3d.core.Tensor(vertices.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32))
    )
    return scene


def sized(surface: Surface) -> Sized:
    """SURFACE around zero and of unit size."""
    centre, scale = surface.vertices.mean(axis=0), 1.0 / max(surface.size, 1e-12)
    return Sized(scene_of((surface.vertices - centre) * scale, surface.faces), centre, scale)
