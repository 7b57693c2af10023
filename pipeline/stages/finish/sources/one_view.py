"""The one picture that a surface was made of: what it shows, and guesses about what it does not."""

from __future__ import annotations

from collections.abc import Sequence
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
RIM = 1.0  # pixels along the outline, in which a cut-out mixes in what is behind


class OneView(Pictures):
    """A posed picture RGBA (H,W,4) of SURFACE, the object cut out: colours where it shows the
    surface inside the outline, and not too steeply."""

    STEEPEST = 0.1

    def __init__(
        self, rgba: Array, camera: tuple[float, float, float, float], pose: Array, surface: Surface
    ) -> None:
        self.inside = rgba[..., 3] > 127
        image = spread(rgba[..., :3], self.inside, RIM)
        super().__init__([Picture(image, camera, pose)], surface)

    def _view(self, picture: Picture, points: Array, normals: Array) -> tuple[Array, Array]:
        pixel, weight = super()._view(picture, points, normals)
        height, width = self.inside.shape
        column = np.clip(np.round(pixel[:, 0]), 0, width - 1).astype(int)
        row = np.clip(np.round(pixel[:, 1]), 0, height - 1).astype(int)
        weight = np.where(self.inside[row, column], weight, 0.0)
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
    """What SOURCE knows of the place behind a mirror: the plane through ORIGIN across NORMAL."""

    def __init__(self, source: ColourSource, origin: Sequence[float], normal: Sequence[float]):
        self.source, self.origin, self.normal = source, np.asarray(origin), np.asarray(normal)

    def colors_at(self, points: Array, normals: Array) -> Array:
        height = (points - self.origin) @ self.normal
        image = points - 2 * np.outer(height, self.normal)
        turned = normals - 2 * np.outer(normals @ self.normal, self.normal)
        return self.source.colors_at(image, turned)


class Marks:
    """No colours but where they come from: 0 where SEEN knows them, 0.5 where one of MIRRORED does,
    else 1."""

    def __init__(self, seen: ColourSource, mirrored: Sequence[ColourSource]) -> None:
        self.seen, self.mirrored = seen, mirrored

    def colors_at(self, points: Array, normals: Array) -> Array:
        level = np.ones(len(points), np.float32)
        for source, value in ((self.seen, 0.0), *((one, 0.5) for one in self.mirrored)):
            left = np.flatnonzero(level == 1)
            known = np.isfinite(source.colors_at(points[left], normals[left])[:, 0])
            level[left[known]] = value
        return np.repeat(level[:, None], 3, axis=1)
