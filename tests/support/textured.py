"""Textured bodies and pictures of them from anywhere: RGBA with the object cut out, and what the camera saw of the surface."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.silhouettes import axes_of
from pipeline.geometry.raycasting import scene_of
from pipeline.geometry.surface import Surface
from tests.support import bodies, solids

Array = NDArray[Any]
NAMES = ("animal", "chair", "mug", "arrow", "organic", "box-like", "thin", "mirrored")


class Photo(NamedTuple):
    rgba: Array
    eye: Array
    azimuth: float
    elevation: float


@cache
def body(name: str) -> Surface:
    """Upright, Y up; those that are scanned elsewhere are laid down from Z up."""
    if name in ("arrow", *solids.SOLIDS):
        solid = solids.ARROW if name == "arrow" else solids.SOLIDS[name]
        return Surface(*solids.solid_mesh(solid, 80))
    made = bodies.figure(name, 1, 2.5)
    points = np.asarray(made.vertices, float)[:, [1, 2, 0]] / 60
    return Surface(points - (points.min(0) + points.max(0)) / 2, np.asarray(made.triangles))


def paint(points: Array) -> Array:
    """Colours 0…1 that repeat nowhere near."""
    return 0.5 + 0.4 * np.sin(points * [5.0, 4.0, 6.0] + [0, 1, 2] + points[:, [1, 2, 0]] * 3)


def photo(surface: Surface, azimuth: float, elevation: float, fov: float, size: int = 512) -> Photo:
    """Seen from there; the lens is just wide enough for the whole body."""
    import open3d as o3d

    axes, spread = axes_of(azimuth, elevation), np.tan(np.radians(fov) / 2)
    eye = (surface.vertices.min(0) + surface.vertices.max(0)) / 2
    eye = eye - surface.size / 2 / spread * 1.05 * axes[2]
    offset = ((np.arange(2 * size) + 0.5) / size - 1) * spread
    ahead = offset[None, :, None] * axes[0] + offset[:, None, None] * axes[1] + axes[2]
    rays = np.concatenate([np.broadcast_to(eye, ahead.shape), ahead], -1).astype(np.float32)
    hit = scene_of(surface.vertices, surface.faces).cast_rays(o3d.core.Tensor(rays))
    depth = hit["t_hit"].numpy()
    inside = np.isfinite(depth)
    rgb = np.zeros((*depth.shape, 3))
    rgb[inside] = paint(eye + depth[inside, None] * ahead[inside])
    both = np.dstack([rgb, inside]).reshape(size, 2, size, 2, 4).sum((1, 3))
    rgb = both[..., :3] / np.maximum(both[..., 3:], 1)
    rgba = np.dstack([rgb, both[..., 3] / 4])
    return Photo((rgba * 255 + 0.5).astype(np.uint8), eye, azimuth, elevation)


def shown(surface: Surface, eye: Array, points: Array, normals: Array, steepest: float) -> Array:
    """Which of the POINTS (N,3) the camera at EYE sees, and not too steeply."""
    import open3d as o3d

    toward = eye - points
    toward /= np.linalg.norm(toward, axis=1, keepdims=True)
    start = points + 2e-3 * surface.size * normals
    rays = o3d.core.Tensor(np.concatenate([start, toward], 1).astype(np.float32))
    hidden = scene_of(surface.vertices, surface.faces).test_occlusions(rays).numpy()
    return ~hidden & ((normals * toward).sum(1) > steepest)
