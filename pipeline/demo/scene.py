"""A figure on its plate, and where a ray meets them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.demo.virtual_figure import Figure

Array = NDArray[Any]
PLATE_RADIUS, PLATE_COLOUR = 70.0, (96, 100, 106)


class Scene:
    """The figure, on its turntable or held by nothing, ready for rays (Open3D RaycastingScene)."""

    def __init__(self, figure: Figure, plate: bool = True) -> None:
        import open3d as o3d

        self.triangles, self.colours, self.vertices = (
            figure.triangles,
            figure.colours,
            figure.vertices,
        )
        if plate:
            self._set_on_plate()
        self.rays = o3d.t.geometry.RaycastingScene()
        self.rays.add_triangles(self.vertices.astype(np.float32), self.triangles.astype(np.uint32))

    def _set_on_plate(self) -> None:
        import open3d as o3d

        plate = o3d.geometry.TriangleMesh.create_cylinder(PLATE_RADIUS, 6.0, resolution=96)
        plate.translate((0, 0, -3.0))
        corners = np.asarray(plate.vertices)
        self.triangles = np.concatenate(
            [self.triangles, np.asarray(plate.triangles) + len(self.vertices)]
        )
        self.colours = np.concatenate(
            [self.colours, np.tile(np.asarray(PLATE_COLOUR, float), (len(corners), 1))]
        )
        self.vertices = np.concatenate([self.vertices, corners])

    def hit(self, origin: Array, directions: Array) -> tuple[Array, Array, Array]:
        """Rays from origin (3,) or (N,3): distance (N,) or inf, unit normal (N,3) and colour (N,3)
        of what they hit."""
        rays = np.concatenate(
            [np.broadcast_to(origin, directions.shape), directions], axis=1
        ).astype(np.float32)
        answer = {name: value.numpy() for name, value in self.rays.cast_rays(rays).items()}
        distance = answer["t_hit"].astype(float)
        corners = self.triangles[np.where(np.isfinite(distance), answer["primitive_ids"], 0)]
        u, v = answer["primitive_uvs"].T.astype(float)
        weights = np.stack([1 - u - v, u, v], axis=1)
        return (
            distance,
            answer["primitive_normals"].astype(float),
            np.einsum("nk,nkc->nc", weights, self.colours[corners]),
        )
