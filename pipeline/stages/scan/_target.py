"""A reference mesh to which points are fitted: the nearest place on its triangles, the side of it,
and points spread over it (library: Open3D)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import topology
from pipeline.geometry.rigid import Array
from pipeline.geometry.spread import spread

_SAMPLES = 60_000


class Target:
    """vertices (V,3) and faces (F,3) in the unit of the points that are compared with it; samples
    and sample_normals (N,3) are spread over it by area."""

    def __init__(self, vertices: Array, faces: NDArray[np.int32]) -> None:
        import open3d as o3d

        self.vertices, self.faces = vertices, faces
        self.middle = (vertices.min(0) + vertices.max(0)) / 2
        self.size = float(np.linalg.norm(np.ptp(vertices, axis=0)))
        shape = topology.verdict(faces)
        self.closed = shape.closed and shape.oriented
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(
            o3d.core.Tensor(((vertices - self.middle) / self.size).astype(np.float32)),
            o3d.core.Tensor(faces.astype(np.uint32)),
        )
        self.samples, face, _ = spread(vertices, faces, _SAMPLES)
        self.sample_normals = topology.face_normals(vertices, faces)[0][face]

    def nearest(self, points: Array) -> tuple[Array, Array]:
        """The nearest place on the surface for each point (N,3), and the normal of its triangle."""
        found = self.scene.compute_closest_points(self._asked(points))
        place = found["points"].numpy().astype(np.float64) * self.size + self.middle
        return place, found["primitive_normals"].numpy().astype(np.float64)

    def off(self, points: Array) -> Array:
        """Signed distance (N,): outside a closed reference, or before an open one, positive."""
        if self.closed:
            told = self.scene.compute_signed_distance(self._asked(points), nsamples=3)
            return np.asarray(told.numpy(), np.float64) * self.size
        place, normals = self.nearest(points)
        way = points - place
        side = np.where((way * normals).sum(1) < 0, -1.0, 1.0)
        return np.asarray(side * np.linalg.norm(way, axis=1))

    def _asked(self, points: Array) -> Any:
        import open3d as o3d

        return o3d.core.Tensor(((points - self.middle) / self.size).astype(np.float32))
