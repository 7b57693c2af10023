"""Solids given by formulas, and pictures of them. Canonical frame: Y up, front +Z."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.backends import Picture
from pipeline.geometry.isosurface import marching_cubes

Array = NDArray[Any]
Solid = Callable[[Array], Array]  # points (N,3) → positive inside, about a distance


def ball(centre: Sequence[float], radius: float) -> Solid:
    return lambda p: radius - np.linalg.norm(p - np.asarray(centre), axis=-1)


def box(low: Sequence[float], high: Sequence[float]) -> Solid:
    return lambda p: np.minimum(p - np.asarray(low), np.asarray(high) - p).min(axis=-1)


def rod(a: Sequence[float], b: Sequence[float], radius: float) -> Solid:
    first, along = np.asarray(a, float), np.asarray(b, float) - np.asarray(a, float)

    def inside(p: Array) -> Array:
        t = np.clip((p - first) @ along / (along @ along), 0, 1)
        return radius - np.linalg.norm(p - first - t[..., None] * along, axis=-1)

    return inside


def union(*solids: Solid) -> Solid:
    return lambda p: np.max([solid(p) for solid in solids], axis=0)


def _torus(p: Array) -> Array:
    turned = p @ np.array([[1, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]]).T
    return 0.23 - np.hypot(np.hypot(turned[..., 0], turned[..., 2]) - 0.55, turned[..., 1])


def _mug(p: Array) -> Array:
    across = np.hypot(p[..., 0], p[..., 2])
    outer = np.minimum(0.5 - across, 0.6 - np.abs(p[..., 1]))
    cavity = np.minimum(0.38 - across, p[..., 1] + 0.45)
    handle = 0.07 - np.hypot(np.hypot(p[..., 0] - 0.5, p[..., 1]) - 0.3, p[..., 2])
    return np.minimum(np.maximum(outer, handle), -cavity)


SOLIDS: dict[str, Solid] = {
    "animal": union(
        lambda p: 0.3 * (1 - np.linalg.norm(p / np.array([0.28, 0.28, 0.6]), axis=-1)),
        ball((0, 0.3, 0.6), 0.22),
        *(rod((x, -0.1, z), (x, -0.65, z), 0.08) for x in (-0.17, 0.17) for z in (-0.4, 0.4)),
        rod((0, 0.1, -0.55), (0, 0.35, -0.75), 0.05),
    ),
    "chair": union(
        box((-0.4, -0.08, -0.4), (0.4, 0.08, 0.4)),
        box((-0.4, 0, -0.4), (0.4, 0.6, -0.24)),
        *(
            box((x - 0.07, -0.7, z - 0.07), (x + 0.07, 0, z + 0.07))
            for x in (-0.33, 0.33)
            for z in (-0.33, 0.33)
        ),
    ),
    "mug": _mug,
    "torus": _torus,
}
# A nose to the front, a fin above, a stub on the object's own left.
ARROW = union(
    rod((0, 0, -0.4), (0, 0, 0.7), 0.14),
    ball((0, 0, 0.6), 0.22),
    box((-0.06, 0, -0.3), (0.06, 0.5, 0.0)),
    rod((0, 0, 0), (0.45, 0, 0), 0.09),
)


def stands_upright_and_faces_front(vertices: Array) -> bool:
    """Whether vertices (V,3) lie as ARROW does."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    nose = vertices[vertices[:, 2] > high[2] - 0.1 * (high[2] - low[2])]
    return bool(
        high[1] > 1.6 * -low[1]
        and high[0] > 1.6 * -low[0]
        and high[2] > 1.2 * -low[2]
        and np.abs(nose[:, :2]).max() < 0.3 * high[2]
    )


def solid_mesh(solid: Solid, res: int = 96) -> tuple[Array, Array]:
    axis = np.linspace(-1, 1, res)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    vertices, faces = marching_cubes(solid(grid), 0.0)
    return vertices / (res - 1) * 2 - 1, faces


def photos(
    solid: Solid,
    azimuths: Sequence[float],
    size: int = 256,
    fov: float = 30.0,
    distance: float = 4.0,
    elevation: float = 0.0,
) -> list[tuple[Array, Array]]:
    """(RGB uint8 (S,S,3) on light grey, mask (S,S)) from each azimuth at one elevation: stripes for texture, shading and noise."""
    import open3d as o3d

    vertices, faces = solid_mesh(solid)
    scene = o3d.t.geometry.RaycastingScene(nthreads=2)
    scene.add_triangles(
        o3d.core.Tensor(vertices.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32))
    )
    return [
        _photo(scene, np.radians(azimuth), np.radians(elevation), size, fov, distance)
        for azimuth in azimuths
    ]


def _photo(
    scene: Any, azimuth: float, elevation: float, size: int, fov: float, distance: float
) -> tuple[Array, Array]:
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    back = np.cos(elevation) * np.array([np.sin(azimuth), 0, np.cos(azimuth)]) + np.array(
        [0, np.sin(elevation), 0]
    )
    up = np.cross(back, right)
    offset = ((np.arange(size) + 0.5) / size * 2 - 1) * np.tan(np.radians(fov) / 2)
    rays = offset[None, :, None] * right - offset[:, None, None] * up - back
    origins = np.broadcast_to(distance * back, rays.shape)
    hit = scene.cast_rays(np.concatenate([origins, rays], axis=-1).astype(np.float32))
    depth, normals = hit["t_hit"].numpy(), hit["primitive_normals"].numpy()
    mask = np.isfinite(depth)
    points = origins + np.where(mask, depth, 0)[..., None] * rays
    base = 0.5 + 0.35 * np.sin(points * np.array([9.0, 7.0, 5.0]) + np.array([0, 1, 2]))
    shade = 0.55 + 0.45 * np.abs((normals * back).sum(-1))[..., None]
    noise = np.random.default_rng(1).normal(0, 2, (size, size, 3))
    rgb = np.where(mask[..., None], 255 * base * shade, 225) + noise
    return rgb.clip(0, 255).astype(np.uint8), mask


def cut_out(
    solid: Solid, azimuths: Sequence[float], fov: float | None = 30.0, **camera: Any
) -> list[Picture]:
    """Pictures as backends take them, with a perfect mask."""
    shot = photos(solid, azimuths, fov=fov or 30.0, **camera)
    return [
        Picture(
            f"{round(azimuth):03}", np.dstack([rgb, mask.astype(np.uint8) * 255]), azimuth, 0.0, fov
        )
        for azimuth, (rgb, mask) in zip(azimuths, shot, strict=True)
    ]
