"""Pictures of the surface whose cameras are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.stages.finish.sources import sampled

Array = NDArray[Any]


@dataclass(frozen=True)
class Picture:
    """image (H,W,3) uint8; camera fx, fy, cx, cy in pixels; pose 4×4 from the mesh's frame to the
    camera (x right, y down, z ahead); counts (H,W) bool: what of it may be used, None: all."""

    image: Array
    camera: tuple[float, float, float, float]
    pose: Array
    counts: Array | None = field(default=None, kw_only=True)


class Pictures:
    """Posed pictures of the surface: each point takes its colour from the pictures that see it, the
    straighter and nearer the more (visibility: Open3D's ray caster on the surface itself)."""

    STEEPEST = 0.2  # cosine below which a picture grazes the surface too much
    SHARPNESS = 4  # power of the weight: high keeps detail, low blends exposures

    def __init__(self, pictures: Sequence[Picture], surface: Surface) -> None:

        self.pictures = pictures
        self.scene, self.centre, self.scale = sized(surface)

    def colors_at(self, points: Array, normals: Array) -> Array:
        total, weights = (
            np.zeros((len(points), 3), np.float32),
            np.zeros((len(points), 1), np.float32),
        )
        for picture in self.pictures:
            pixel, weight = self._view(picture, points, normals)
            seen = np.flatnonzero(weight > 0)
            total[seen] += sampled(picture.image, pixel[seen]) * weight[seen, None]
            weights[seen] += weight[seen, None]
        return np.where(weights > 0, total / np.maximum(weights, 1e-12), np.nan)

    def _view(self, picture: Picture, points: Array, normals: Array) -> tuple[Array, Array]:
        """Pixel positions (N,2) and weights (N,), zero where the picture does not see the point."""
        fx, fy, cx, cy = picture.camera
        local = points @ picture.pose[:3, :3].T + picture.pose[:3, 3]
        depth = np.maximum(local[:, 2], 1e-12)
        pixel = (
            np.stack([local[:, 0] / depth * fx + cx, local[:, 1] / depth * fy + cy], axis=1) - 0.5
        )
        eye = -picture.pose[:3, :3].T @ picture.pose[:3, 3]
        toward = eye - points
        distance = np.linalg.norm(toward, axis=1)
        cosine = np.einsum("ij,ij->i", toward, normals) / np.maximum(distance, 1e-12)
        height, width = picture.image.shape[:2]
        inside = (
            (local[:, 2] > 0)
            & (pixel > 0).all(axis=1)
            & (pixel < [width - 1, height - 1]).all(axis=1)
            & (cosine > self.STEEPEST)
        )
        at = np.flatnonzero(inside)
        inside[
            at[self._hidden(points[at], normals[at], toward[at] / distance[at, None], distance[at])]
        ] = False
        return pixel, np.where(
            inside, (cosine * fx / np.maximum(distance, 1e-12)) ** self.SHARPNESS, 0.0
        )

    def _hidden(self, points: Array, normals: Array, toward: Array, distance: Array) -> Array:
        import open3d as o3d

        start = (points - self.centre) * self.scale + normals * 2e-3
        rays = np.concatenate([start, toward], axis=1).astype(np.float32)
        hit = self.scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
        return np.asarray(hit < distance * self.scale - 4e-3)
