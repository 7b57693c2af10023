"""The visual hull: what every silhouette leaves of space. No weights, no GPU; cavities cannot be seen, so it is a draft."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.backends import Effort, Picture, Reconstruction
from pipeline.backends.inflate import inflated
from pipeline.errors import MeshEmpty
from pipeline.geometry.isosurface import marching_cubes
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import vertex_normals
from pipeline.networks.lattice import sample

Array = NDArray[Any]
DISTANCE, FOV = 4.0, 30.0
FOVS = (12.0, 20.0, 30.0, 40.0, 50.0)  # tried where the pictures do not say
MOST_VIEWS, TRIAL_GRID = 16, 64
FINEST = 160  # points along an edge: silhouettes of 512 pixels tell no more


class Shot(NamedTuple):
    """A silhouette and its camera: distance (S,S) to the outline in pixels, positive inside; axes (3,3) = right, down, ahead."""

    name: str
    rgba: Array
    distance: Array
    axes: Array
    focal: float  # pixels


class VisualHull:
    def lacks(self, views: int, models: Path | None) -> str | None:
        return None if views <= MOST_VIEWS else f"it uses at most {MOST_VIEWS} views, there are {views}"

    def reconstruct(self, pictures: Sequence[Picture], models: Path | None, effort: Effort) -> Reconstruction:
        """Several views: their hull, with the re-projection IoU of each silhouette; one view: its silhouette inflated.

        MeshEmpty where nothing is common to all silhouettes.
        """
        if len({(round(p.azimuth) % 360, round(p.elevation)) for p in pictures}) == 1:
            return inflated(pictures[0])
        fov = pictures[0].fov or _best_fov(pictures, effort)
        shots = [shot(picture, fov) for picture in pictures]
        grid = min(effort.grid, FINEST)
        effort.progress(0.3, f"carving {grid}³ points by {len(shots)} silhouettes")
        points, faces = carve(shots, fov, grid)
        if not len(faces):
            raise MeshEmpty(
                "The silhouettes have nothing in common: no solid fits all views.",
                remedy="Check that the views show one object from the directions they are named after, all from the same distance.",
            )
        effort.progress(0.8, "colouring")
        surface = Surface(points, faces, colors=colors(points, vertex_normals(points, faces), shots))
        seen = {view.name: round(iou, 4) for view, iou in zip(shots, overlaps(points, faces, shots), strict=True)}
        return Reconstruction(surface, "draft", tuple(seen), {"reprojection_iou": seen, "fov": fov, "cavities": "not recoverable"})


def shot(picture: Picture, fov: float) -> Shot:
    """The silhouette of PICTURE seen from its azimuth and elevation at DISTANCE, y up."""
    from scipy.ndimage import distance_transform_edt as distance

    inside = picture.rgba[..., 3] > 127
    azimuth, elevation = np.radians([picture.azimuth, picture.elevation])
    back = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    right = np.array([np.cos(azimuth), 0.0, -np.sin(azimuth)])
    axes = np.stack([right, -np.cross(back, right), -back])
    edge = np.where(inside, distance(inside) - 0.5, 0.5 - distance(~inside)).astype(np.float32)
    return Shot(picture.name, picture.rgba, edge, axes, 0.5 * len(inside) / np.tan(np.radians(fov) / 2))


def project(points: Array, view: Shot) -> tuple[Array, Array]:
    """Pixel positions (N,2) = x, y and depths (N,) of POINTS (N,3)."""
    seen = points @ view.axes.T
    depth = seen[:, 2] + DISTANCE
    return seen[:, :2] / depth[:, None] * view.focal + view.distance.shape[0] / 2, depth


def depth_inside(points: Array, shots: Sequence[Shot]) -> NDArray[np.float32]:
    """How far inside the hull POINTS (N,3) are, in world units, by the silhouette that cuts most; negative outside."""
    least = np.full(len(points), np.inf, np.float32)
    for view in shots:
        at, depth = project(points, view)
        np.minimum(least, _sampled(view.distance, at) * depth / view.focal, out=least)
    return least


def colors(points: Array, normals: Array, shots: Sequence[Shot]) -> NDArray[np.uint8]:
    """Colours (N,3) blended from the views that a point faces."""
    total, weight = np.zeros((len(points), 3)), np.zeros(len(points))
    for view in shots:
        at, _ = project(points, view)
        towards = DISTANCE * -view.axes[2] - points
        facing = (normals * towards).sum(1) / np.linalg.norm(towards, axis=1)
        share = np.clip(facing, 0.02, 1) ** 6 * (0.01 + _sampled(view.distance > 1, at))
        total += share[:, None] * np.stack([_sampled(view.rgba[..., channel], at) for channel in range(3)], axis=-1)
        weight += share
    return (total / weight[:, None] + 0.5).clip(0, 255).astype(np.uint8)


def _sampled(image: Array, at: Array) -> Array:
    """Bilinear values (N,) of an image (S,S) at pixel positions (N,2) = x, y; beyond the edge the edge goes on."""
    from scipy.ndimage import map_coordinates

    values: Array = map_coordinates(image.astype(np.float32), at[:, ::-1].T - 0.5, order=1, mode="nearest")
    return values


def overlaps(points: Array, faces: Array, shots: Sequence[Shot]) -> list[float]:
    """IoU of each silhouette with the mesh seen from its camera (library: Open3D)."""
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(points.astype(np.float32)), o3d.core.Tensor(faces.astype(np.uint32)))
    found = []
    for view in shots:
        offset = (np.arange(len(view.distance)) + 0.5 - len(view.distance) / 2) / view.focal
        rays = offset[None, :, None] * view.axes[0] + offset[:, None, None] * view.axes[1] + view.axes[2]
        origins = np.broadcast_to(-DISTANCE * view.axes[2], rays.shape)
        hit = scene.cast_rays(o3d.core.Tensor(np.concatenate([origins, rays], axis=-1).astype(np.float32)))
        filled, wanted = np.isfinite(hit["t_hit"].numpy()), view.distance > 0
        found.append(float((filled & wanted).sum() / max(1, (filled | wanted).sum())))
    return found


def carve(shots: Sequence[Shot], fov: float, grid: int) -> tuple[Array, Array]:
    """The hull's vertices (V,3) in metres and faces (F,3)."""
    half = DISTANCE * np.tan(np.radians(fov) / 2)
    axis = np.linspace(-half, half, grid)
    values = sample(lambda indices: torch.from_numpy(depth_inside(axis[indices.numpy()], shots)), grid, 0.0)
    vertices, faces = marching_cubes(values, 0.0)
    return axis[0] + vertices * (axis[1] - axis[0]), faces


def _best_fov(pictures: Sequence[Picture], effort: Effort) -> float:
    """The lens whose hull fills the silhouettes best, tried on a coarse grid."""
    effort.progress(0.1, "finding the lens")
    scores = {}
    for fov in FOVS:
        shots = [shot(picture, fov) for picture in pictures]
        scores[fov] = float(np.mean(overlaps(*carve(shots, fov, TRIAL_GRID), shots)))
    best = max(scores.values())
    return min((fov for fov, score in scores.items() if score > best - 0.005), key=lambda fov: abs(fov - FOV))
