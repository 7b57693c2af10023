"""Models of photographs as pictures and as points, to be compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.raycasting import scene_of

Array = NDArray[Any]


@dataclass
class Model:
    """vertices (V,3), faces (F,3) in the frame of the cameras found; poses: world → camera (4×4) by
    photograph; paint: uv (F,3,2), from the lower left corner, and the texture (H,W,3) 0…1."""

    vertices: Array
    faces: Array
    poses: dict[str, Array]
    paint: tuple[Array, Array] | None = None


def cast(scene: Any, camera: Any, pose: Array, edge: tuple[int, int], fine: int = 1) -> Any:
    """What the rays of all pixels (H,W) hit, FINE times as many along each edge."""
    import open3d as o3d

    fx, fy, cx, cy = (value * fine for value in camera)
    k = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
    rays = scene.create_rays_pinhole(
        o3d.core.Tensor(k), o3d.core.Tensor(pose), edge[1] * fine, edge[0] * fine
    )
    return scene.cast_rays(rays)


def picture_of(model: Model, camera: Any, pose: Array, edge: tuple[int, int]) -> tuple[Array, Any]:
    """The model's texture as a camera sees it without light (H,W,3), four samples a pixel; and
    where there is some."""
    from scipy.ndimage import map_coordinates

    assert model.paint is not None
    uv, texture = model.paint
    fine = 2
    hit = cast(scene_of(model.vertices, model.faces), camera, pose, edge, fine)
    struck = np.isfinite(hit["t_hit"].numpy())
    inner = hit["primitive_uvs"].numpy()[struck]
    corner = uv[hit["primitive_ids"].numpy()[struck].astype(int)]
    share = np.column_stack([1 - inner.sum(1), inner])
    at = (corner * share[..., None]).sum(1)
    height, width = texture.shape[:2]
    place = np.stack([(1 - at[:, 1]) * height - 0.5, at[:, 0] * width - 0.5])
    picture = np.zeros((*struck.shape, 3), np.float32)
    for channel in range(3):
        picture[struck, channel] = map_coordinates(
            texture[..., channel], place, order=1, mode="nearest"
        )
    blocks = (edge[0], fine, edge[1], fine)
    return picture.reshape(*blocks, 3).mean((1, 3)), struck.reshape(blocks).all((1, 3))


def likeness(picture: Array, photograph: Array, where: Array) -> float:
    """Peak signal to noise in dB of PICTURE beside PHOTOGRAPH (both (H,W,3), sRGB 0…1) WHERE; the
    photograph's exposure is levelled by one factor of linear light for each channel."""
    linear, want = picture[where] ** 2.2, photograph[where] ** 2.2
    factor = (want * linear).sum(0) / np.maximum((linear**2).sum(0), 1e-9)
    error = np.clip(linear * factor, 0, 1) ** (1 / 2.2) - photograph[where]
    return float(-10 * np.log10((error**2).mean()))


def centres(poses: dict[str, Array], names: list[str]) -> Array:
    return np.array([-poses[name][:3, :3].T @ poses[name][:3, 3] for name in names])


def degrees(turn: Array) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def sampled(vertices: Array, faces: Array, count: int) -> Array:
    """COUNT points evenly on a surface, the same every time."""
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(cross, axis=1)
    rng = np.random.default_rng(1)
    chosen = corners[rng.choice(len(faces), count, p=areas / areas.sum())]
    a, b = rng.random((2, count, 1))
    a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
    return np.asarray(chosen[:, 0] * (1 - a - b) + chosen[:, 1] * a + chosen[:, 2] * b)
