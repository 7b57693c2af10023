"""Silhouettes as cameras see them: where points fall, how well a mesh fills them, which colours
they give it. Metres, y up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.protocol import Picture
from pipeline.geometry.colour import spread
from pipeline.geometry.raycasting import scene_of
from pipeline.geometry.topology import vertex_normals

Array = NDArray[Any]
DISTANCE = 4.0
STEEPEST = 0.1  # cosine below which a view grazes the surface too much to tell its colour
CLEAR = 0.02  # metres over the surface from where a view must be seen: more than the grid's steps
NEAREST = 8  # seen vertices that an unseen one takes its colour from


class Shot(NamedTuple):
    """A silhouette and its camera: distance (S,S) to the outline in pixels, positive inside; axes
    (3,3) = right, down, ahead.

    rgb (S,S,3) goes on beyond the outline with the colours of its nearest pixels inside."""

    name: str
    rgb: Array
    distance: Array
    axes: Array
    focal: float  # pixels


def shot(picture: Picture, fov: float) -> Shot:
    """The silhouette of PICTURE seen from its azimuth and elevation at DISTANCE, y up."""
    from scipy.ndimage import distance_transform_edt as distance

    inside = picture.rgba[..., 3] > 127
    edge = np.where(inside, distance(inside) - 0.5, 0.5 - distance(~inside)).astype(np.float32)
    return Shot(
        picture.name,
        spread(picture.rgba[..., :3], inside),
        edge,
        axes_of(picture.azimuth, picture.elevation),
        0.5 * len(inside) / np.tan(np.radians(fov) / 2),
    )


def axes_of(azimuth: float, elevation: float) -> Array:
    """Right, down and ahead (3,3) of a camera that looks at the origin; degrees."""
    around, above = np.radians([azimuth, elevation])
    back = np.array([np.sin(around) * np.cos(above), np.sin(above), np.cos(around) * np.cos(above)])
    right = np.array([np.cos(around), 0.0, -np.sin(around)])
    return np.stack([right, -np.cross(back, right), -back])


def project(points: Array, view: Shot) -> tuple[Array, Array]:
    """Pixel positions (N,2) = x, y and depths (N,) of POINTS (N,3)."""
    depth = points @ view.axes[2] + DISTANCE
    at = points @ (view.focal * view.axes[:2].T)
    at /= depth[:, None]
    at += view.distance.shape[0] / 2
    return at, depth


def colors(points: Array, faces: Array, shots: Sequence[Shot]) -> NDArray[np.uint8]:
    """Colours (V,3) blended from the views that see a vertex; those that none sees take after the
    nearest that are seen."""
    from scipy.spatial import cKDTree

    normals, scene = vertex_normals(points, faces), scene_of(points, faces)
    total, weight = np.zeros((len(points), 3)), np.zeros(len(points))
    for view in shots:
        towards = -DISTANCE * view.axes[2] - points
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        facing = np.einsum("ij,ij->i", normals, towards)
        seen = np.flatnonzero(facing > STEEPEST)
        seen = seen[~_hits(scene, points[seen] + CLEAR * normals[seen], towards[seen])]
        at, _ = project(points[seen], view)
        share = facing[seen] ** 6
        total[seen] += share[:, None] * np.stack(
            [sampled(view.rgb[..., channel], at) for channel in range(3)], axis=-1
        )
        weight[seen] += share
    known = weight > 0
    if not known.any():
        return np.full(points.shape, 128, np.uint8)
    total[known] /= weight[known, None]
    nearest = np.arange(1, min(NEAREST, int(known.sum())) + 1)
    # what no view sees is far from all that one does, where only cells cut in halves are quick
    tree = cKDTree(points[known], balanced_tree=False, compact_nodes=False)
    distance, near = tree.query(points[~known], k=nearest)
    share = 1 / np.maximum(distance[..., None], 1e-9)
    total[~known] = (share * total[known][near]).sum(axis=1) / share.sum(axis=1)
    return (total + 0.5).clip(0, 255).astype(np.uint8)


def sampled(image: Array, at: Array) -> Array:
    """Bilinear values (N,) of an image (S,S) at pixel positions (N,2) = x, y; beyond the edge the
    edge goes on."""
    from scipy.ndimage import map_coordinates

    values: Array = map_coordinates(
        image.astype(np.float32), at[:, ::-1].T - 0.5, order=1, mode="nearest"
    )
    return values


def overlaps(points: Array, faces: Array, shots: Sequence[Shot]) -> list[float]:
    """IoU of each silhouette with the mesh seen from its camera (library: Open3D)."""
    scene = scene_of(points, faces)
    found = []
    for view in shots:
        offset = (np.arange(len(view.distance)) + 0.5 - len(view.distance) / 2) / view.focal
        rays = (
            offset[None, :, None] * view.axes[0]
            + offset[:, None, None] * view.axes[1]
            + view.axes[2]
        )
        origins = np.broadcast_to(-DISTANCE * view.axes[2], rays.shape)
        filled, wanted = _hits(scene, origins, rays), view.distance > 0
        found.append(float((filled & wanted).sum() / max(1, (filled | wanted).sum())))
    return found


def _hits(scene: Any, origins: Array, rays: Array) -> NDArray[np.bool_]:
    """Which rays (…,3) from ORIGINS (…,3) meet the mesh."""
    import open3d as o3d

    hit = scene.cast_rays(
        o3d.core.Tensor(np.concatenate([origins, rays], axis=-1).astype(np.float32))
    )
    return np.asarray(np.isfinite(hit["t_hit"].numpy()))
