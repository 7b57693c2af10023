"""How a model of photographs compares with the truth: cameras, surface, and pictures held out.

Prototype and product are measured alike: where their cameras stand decides the similarity, only
what lies above the table counts, and of photographs only what shows the object.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.photos_compare import Model, cast, centres, degrees, sampled
from pipeline.geometry.raycasting import scene_of
from pipeline.geometry.rigid import similarity

Array = NDArray[Any]
ABOVE = 0.004  # m: lower down is the table, and the side that no photograph shows
AROUND = 0.02  # m beside the object's box that still count as an attempt at it
SAMPLES = 1_000_000
LEAST = 3  # photographs that must see a place of the truth
RIM = 2  # pixels along the object's outline that do not count


class Truth:
    """A rendered set with truth.json and the mesh that it names."""

    def __init__(self, folder: Path) -> None:
        import open3d as o3d

        told = json.loads((folder / "truth.json").read_text())
        k = told["intrinsics"]
        self.camera = (k["fx"], k["fy"], k["cx"], k["cy"])
        self.edge = (k["height"], k["width"])
        self.poses = {
            name: np.vstack([one["pose"], [0, 0, 0, 1]])
            for name, one in told["photos"].items()
            if one["pose"] is not None
        }
        self.strays = {name for name, one in told["photos"].items() if one["pose"] is None}
        self.marred = {name for name, one in told["photos"].items() if one.get("note")}
        mesh = o3d.io.read_triangle_mesh(str(folder / told["mesh"]))
        mesh.compute_triangle_normals()
        vertices = np.asarray(mesh.vertices)
        self.low, self.high = vertices.min(0), vertices.max(0)
        self.size = float(np.linalg.norm(self.high - self.low))
        self.scene = scene_of(vertices, np.asarray(mesh.triangles))
        o3d.utility.random.seed(1)
        cloud = mesh.sample_points_uniformly(120_000, use_triangle_normal=True)
        self.points, normals = np.asarray(cloud.points), np.asarray(cloud.normals)
        self.seen = (self.points[:, 2] > ABOVE) & self._seen(self.points, normals)

    def _seen(self, points: Array, normals: Array) -> Array:
        import open3d as o3d

        count = np.zeros(len(points), int)
        fx, fy, cx, cy = self.camera
        for pose in self.poses.values():
            local = points @ pose[:3, :3].T + pose[:3, 3]
            u = local[:, 0] / local[:, 2] * fx + cx
            v = local[:, 1] / local[:, 2] * fy + cy
            eye = -pose[:3, :3].T @ pose[:3, 3]
            way = points + 1e-4 * normals - eye
            rays = np.hstack([np.broadcast_to(eye, way.shape), way]).astype(np.float32)
            free = self.scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy() > 0.9995
            facing = -(way * normals).sum(1) / np.linalg.norm(way, axis=1) > 0.15
            inside = (u > 0) & (v > 0) & (u < self.edge[1]) & (v < self.edge[0])
            count += free & facing & inside & (local[:, 2] > 0)
        return count >= LEAST

    def cameras(self, model: Model) -> dict[str, Any]:
        """How many stand right, and how far off they are after the similarity."""
        names = sorted(set(model.poses) & set(self.poses))
        found, true = (centres(poses, names) for poses in (model.poses, self.poses))
        scale, turn, move = similarity(found, true)
        apart = np.linalg.norm(scale * found @ turn.T + move - true, axis=1)
        turned = [
            degrees(model.poses[name][:3, :3] @ turn.T @ self.poses[name][:3, :3].T)
            for name in names
        ]
        return {
            "placed": f"{len(names)} of {len(self.poses)}",
            "strays placed": len(set(model.poses) & self.strays),
            "rotation, worst, degrees": max(turned),
            "centre, worst, % of the size": float(apart.max() / self.size * 100),
        }

    def surface(self, model: Model) -> dict[str, float]:
        """Shares of the result near the truth, and of the truth that was seen near the result."""
        import open3d as o3d
        from scipy.spatial import cKDTree

        names = sorted(set(model.poses) & set(self.poses))
        scale, turn, move = similarity(centres(model.poses, names), centres(self.poses, names))
        points = scale * sampled(model.vertices, model.faces, SAMPLES) @ turn.T + move
        near = (points > self.low - AROUND).all(1) & (points < self.high + AROUND).all(1)
        points = points[near & (points[:, 2] > ABOVE)]
        off = self.scene.compute_distance(o3d.core.Tensor(points.astype(np.float32))).numpy()
        back = cKDTree(points).query(self.points[self.seen], workers=2)[0]
        half = 0.005 * self.size
        return {
            "result within 0.5 %": float((off < half).mean() * 100),
            "truth within 0.5 %": float((back < half).mean() * 100),
            "error, median, mm": float(np.median(off) * 1e3),
        }

    def shows(self, name: str) -> Array:
        """Where the photograph shows the object (H,W), without its outline."""
        from scipy.ndimage import binary_erosion

        hit = cast(self.scene, self.camera, self.poses[name], self.edge)["t_hit"].numpy()
        return np.asarray(binary_erosion(np.isfinite(hit), iterations=RIM))
