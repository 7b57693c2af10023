"""Pictures that a surface was made of, or that were drawn after it: what they show, and guesses
about what they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import spread
from pipeline.geometry.surface import Surface
from pipeline.stages.finish.sources import ColourSource
from pipeline.stages.finish.sources.pictures import Picture, Pictures

Array = NDArray[Any]
OVER = 1.5  # pixels by which a picture laid on a shape may be off
BEFORE = 0.05  # share of the size by which another part stands before a place
OFF = 0.02  # share of the size by which a mirror image may lie beside the surface
RIM = 1.0  # pixels along the outline, in which a cut-out mixes in what is behind


@dataclass(frozen=True)
class CutOut(Picture):
    """A picture of the surface alone: inside (H,W) is where it shows it."""

    inside: NDArray[np.bool_]

    @classmethod
    def of(cls, rgba: Array, camera: tuple[float, float, float, float], pose: Array) -> CutOut:
        """Of RGBA (H,W,4); colours go on beyond the outline."""
        inside = rgba[..., 3] > 127
        return cls(spread(rgba[..., :3], inside, RIM), camera, pose, inside)


class CutOuts(Pictures):
    """Posed pictures of the surface with the object cut out: colours where one shows the surface
    inside its outline, and not too steeply."""

    STEEPEST = 0.1

    def __init__(self, pictures: Sequence[CutOut], surface: Surface) -> None:
        super().__init__(pictures, surface)

    def off(self, points: Array) -> Array:
        """How far POINTS (N,3) lie from the surface (N,), as a share of its size."""
        import open3d as o3d

        placed = ((points - self.centre) * self.scale).astype(np.float32)
        return np.asarray(self.scene.compute_distance(o3d.core.Tensor(placed)).numpy())

    def _view(self, picture: Picture, points: Array, normals: Array) -> tuple[Array, Array]:
        assert isinstance(picture, CutOut)
        pixel, weight = super()._view(picture, points, normals)
        inside = picture.inside
        height, width = inside.shape
        column = np.clip(np.round(pixel[:, 0]), 0, width - 1).astype(int)
        row = np.clip(np.round(pixel[:, 1]), 0, height - 1).astype(int)
        weight = np.where(inside[row, column], weight, 0.0)
        at = np.flatnonzero(weight > 0)
        weight[at[self._beside(picture, points[at], pixel[at])]] = 0.0
        return pixel, weight

    def _beside(self, picture: Picture, points: Array, pixel: Array) -> Array:
        """Which POINTS lie beside a part that stands before them, whose colours run over there."""
        import open3d as o3d

        fx, fy, cx, cy = picture.camera
        turn, move = picture.pose[:3, :3], picture.pose[:3, 3]
        depth = (points @ turn.T + move)[:, 2] * self.scale
        rays = np.empty((len(points), 6), np.float32)
        rays[:, :3] = (-turn.T @ move - self.centre) * self.scale
        found = np.zeros(len(points), bool)
        for dx, dy in ((OVER, 0), (-OVER, 0), (0, OVER), (0, -OVER)):
            x, y = (pixel[:, 0] + 0.5 + dx - cx) / fx, (pixel[:, 1] + 0.5 + dy - cy) / fy
            rays[:, 3:] = np.stack([x, y, np.ones(len(x))], axis=1) @ turn
            hit = self.scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
            found |= hit < depth - BEFORE
        return found


class Mirrored:
    """What pictures show of the place behind a mirror, the plane through ORIGIN across NORMAL;
    nothing where that place is not on the surface (a handle's image)."""

    def __init__(self, source: CutOuts, origin: Sequence[float], normal: Sequence[float]):
        self.source, self.origin, self.normal = source, np.asarray(origin), np.asarray(normal)

    def colors_at(self, points: Array, normals: Array) -> Array:
        height = (points - self.origin) @ self.normal
        image = points - 2 * np.outer(height, self.normal)
        turned = normals - 2 * np.outer(normals @ self.normal, self.normal)
        colors = self.source.colors_at(image, turned)
        known = np.flatnonzero(np.isfinite(colors[:, 0]))
        colors[known[self.source.off(image[known]) > OFF]] = np.nan
        return colors


class Marks:
    """No colours but where they come from: the LEVEL of the first of the sources that knows them,
    else 1."""

    def __init__(self, sources: Sequence[tuple[ColourSource, float]]) -> None:
        self.sources = sources

    def colors_at(self, points: Array, normals: Array) -> Array:
        level = np.ones(len(points), np.float32)
        for source, value in self.sources:
            left = np.flatnonzero(level == 1)
            known = np.isfinite(source.colors_at(points[left], normals[left])[:, 0])
            level[left[known]] = value
        return np.repeat(level[:, None], 3, axis=1)
