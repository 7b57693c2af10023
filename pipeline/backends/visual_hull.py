"""The visual hull: what every silhouette leaves of space. No weights, no GPU; cavities cannot be
seen, so it is a draft."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.backends import cameras
from pipeline.backends.inflate import inflated
from pipeline.backends.protocol import Effort, Picture, Reconstruction
from pipeline.backends.silhouettes import DISTANCE, Shot, colors, overlaps, project, sampled, shot
from pipeline.errors import MeshEmpty
from pipeline.geometry.isosurface import marching_cubes
from pipeline.geometry.surface import Surface
from pipeline.networks.lattice import sample

Array = NDArray[Any]
MOST_VIEWS = 16


class VisualHull:
    def lacks(self, views: int, models: Path | None) -> str | None:
        return (
            None
            if views <= MOST_VIEWS
            else f"it uses at most {MOST_VIEWS} views, there are {views}"
        )

    def reconstruct(
        self, pictures: Sequence[Picture], models: Path | None, effort: Effort
    ) -> Reconstruction:
        """Several views: their hull, with the re-projection IoU of each silhouette; one view: its
        silhouette inflated.

        MeshEmpty where nothing is common to all silhouettes.
        """
        if len({(round(p.azimuth) % 360, round(p.elevation)) for p in pictures}) == 1:
            return inflated(pictures[0])
        fov = pictures[0].fov or _lens(pictures, effort)
        shots = [shot(picture, fov) for picture in pictures]
        grid = effort.grid
        effort.progress(0.3, f"carving {grid}³ points by {len(shots)} silhouettes")
        points, faces = carve(shots, fov, grid)
        if not len(faces):
            raise MeshEmpty(
                "The silhouettes have nothing in common: no solid fits all views.",
                remedy=(
                    "Check that the views show one object from the directions they are named after,"
                    " all from the same distance."
                ),
            )
        effort.progress(0.8, "colouring")
        surface = Surface(points, faces, colors=colors(points, faces, shots))
        seen = {
            view.name: round(iou, 4)
            for view, iou in zip(shots, overlaps(points, faces, shots), strict=True)
        }
        return Reconstruction(
            surface,
            "draft",
            tuple(seen),
            {"reprojection_iou": seen, "fov": fov, "cavities": "not recoverable"},
        )


def depth_inside(points: Array, shots: Sequence[Shot]) -> NDArray[np.float32]:
    """How far inside the hull POINTS (N,3) are, in world units, by the silhouette that cuts most;
    negative outside."""
    least = np.full(len(points), np.inf, np.float32)
    for view in shots:
        at, depth = project(points, view)
        np.minimum(least, sampled(view.distance, at) * depth / view.focal, out=least)
    return least


def carve(shots: Sequence[Shot], fov: float, grid: int) -> tuple[Array, Array]:
    """The hull's vertices (V,3) in metres and faces (F,3)."""
    half = DISTANCE * np.tan(np.radians(fov) / 2)
    axis = np.linspace(-half, half, grid)
    values = sample(
        lambda indices: torch.from_numpy(depth_inside(axis[indices.numpy()], shots)), grid, 0.0
    )
    vertices, faces = marching_cubes(values, 0.0)
    return axis[0] + vertices * (axis[1] - axis[0]), faces


def _lens(pictures: Sequence[Picture], effort: Effort) -> float:
    """The lens whose hull fills the silhouettes best (library: Pillow)."""
    from PIL import Image

    effort.progress(0.1, "finding the lens")
    size = (cameras.PIXELS,) * 2
    masks = [
        np.asarray(Image.fromarray(picture.rgba[..., 3]).resize(size, Image.Resampling.BOX)) > 127
        for picture in pictures
    ]
    azimuths, elevations = (
        [picture.azimuth for picture in pictures],
        [picture.elevation for picture in pictures],
    )
    return cameras.found(np.stack(masks), azimuths, None, elevations).fov
