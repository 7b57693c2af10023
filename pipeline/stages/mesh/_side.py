"""A side of a shape: the camera that looks at it, what the shape looks like from there, and whether
a picture that was drawn of it may be used."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.silhouettes import axes_of
from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.stages.views._key import colour_key

Array = NDArray[Any]
AWAY = 3.0  # times the shape's size that a camera stands away
FILLED = 0.8  # share of the picture that the shape fills
FARTHEST, NEAREST = 70, 255  # grey levels of the depth; what is behind the shape is black
AGREES = 0.85  # common share of the two outlines below which a drawn side is left out
# chroma (levels) as a share of the photo's, and likeness to the depth, of a picture of the depth
GREY, ALIKE = 0.25, 0.95


class Side(NamedTuple):
    """camera: fx, fy, cx, cy in pixels; pose (4,4): the shape's frame → camera; depth (E,E): grey
    levels uint8, brighter is nearer; inside (E,E): the shape."""

    camera: tuple[float, float, float, float]
    pose: Array
    depth: Array
    inside: NDArray[np.bool_]


def side(surface: Surface, azimuth: float, elevation: float, edge: int) -> Side:
    """The SURFACE from there in a picture of EDGE pixels (library: Open3D's ray caster)."""
    import open3d as o3d

    axes, flat = axes_of(azimuth, elevation), sized(surface)
    middle = (surface.vertices.min(0) + surface.vertices.max(0)) / 2
    eye = middle - AWAY * surface.size * axes[2]
    seen = (surface.vertices - eye) @ axes.T
    at = seen[:, :2] / seen[:, 2:]
    low, high = at.min(0), at.max(0)
    focal = float(FILLED * edge / (high - low).max())
    centre = edge / 2 - focal * (low + high) / 2
    x, y = ((np.arange(edge) + 0.5 - one) / focal for one in centre)
    ahead = np.dstack([*np.meshgrid(x, y), np.ones((edge, edge))]) @ axes
    start = np.broadcast_to((eye - flat.centre) * flat.scale, ahead.shape)
    rays = np.concatenate([start, ahead], -1).astype(np.float32)
    far = flat.scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    inside = np.isfinite(far)
    depth = np.zeros((edge, edge), np.uint8)
    near, most = far[inside].min(), far[inside].max()
    share = (most - far[inside]) / max(float(most - near), 1e-9)
    depth[inside] = FARTHEST + share * (NEAREST - FARTHEST) + 0.5
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes, -axes @ eye
    return Side((focal, focal, float(centre[0]), float(centre[1])), pose, depth, inside)


def cut_out(rgb: Array, shape: Side, photo: Array) -> tuple[Array | None, str]:
    """RGBA of the drawn RGB (E,E,3) where it shows the SHAPE; or None, and in words why it is of no
    use. PHOTO: RGBA that it was drawn after."""
    if _is_depth(rgb, shape, photo):
        return None, "it shows the depth and not the object"
    keyed = colour_key(rgb)
    if keyed is None:
        return None, "its background is not even"
    inside = keyed.alpha > 127
    agrees = (inside & shape.inside).sum() / max(1, (inside | shape.inside).sum())
    if agrees < AGREES:
        return None, f"its outline fits the shape to {int(100 * agrees)}% only"
    return np.dstack([rgb, np.where(inside & shape.inside, 255, 0).astype(np.uint8)]), ""


def _is_depth(rgb: Array, shape: Side, photo: Array) -> bool:
    """Grey where the photo has colours, or grey and as bright as the shape is near."""
    drawn, given = rgb[shape.inside], photo[photo[..., 3] > 127][:, :3]
    chroma, wanted = (float(np.ptp(one.astype(float), axis=1).mean()) for one in (drawn, given))
    levels = drawn.mean(axis=1), shape.depth[shape.inside].astype(float)
    flat = min(float(one.std()) for one in levels) < 1e-6
    like = 0.0 if flat else float(np.corrcoef(*levels)[0, 1])
    return chroma < GREY * wanted or (chroma < 8 and like > ALIKE)
