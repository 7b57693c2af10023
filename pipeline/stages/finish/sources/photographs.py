"""Photographs whose cameras were found from themselves: levelled in brightness, the best few
blended at every place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.stages.finish.sources import sampled
from pipeline.stages.finish.sources._levels import levels
from pipeline.stages.finish.sources.pictures import Picture

Array = NDArray[Any]
BLOCK = 1 << 16  # points asked of all photographs at once
STEEPEST = 0.2  # cosine below which a photograph grazes the surface too much
COARSE = 2  # how much smaller a photograph's depths are than itself
NEAR = 0.004  # share of the depth by which a point may lie behind what the photograph sees
RIM = 2  # pixels of the depths along outlines, which show a little of what is behind
ALSO = 0.8  # share of the best one's weight from which others blend in, the better the more
SHARP = 2.0  # power of a photograph's sharpness in its weight


class Photographs:
    """Colours of PICTURES of SURFACE; SEEN tells for each which points it shares and at what pixels
    (libraries: Open3D's ray caster for what is hidden, numpy)."""

    def __init__(
        self,
        pictures: Sequence[Picture],
        surface: Surface,
        seen: Sequence[tuple[Array, Array]],
    ) -> None:
        self.pictures = pictures
        light, detail = levels([picture.image for picture in pictures], seen)
        # sRGB is about a power of 2.2; a factor on light is one on the values, too
        self.gains = np.exp(-light / 2.2).astype(np.float32)
        self.weights = np.exp(SHARP * np.minimum(detail, 0)).astype(np.float32)
        self.depths = _depths(pictures, surface)

    def colors_at(self, points: Array, normals: Array) -> Array:
        parts = [
            self._block(points[start : start + BLOCK], normals[start : start + BLOCK])
            for start in range(0, len(points), BLOCK)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, 3), np.float32)

    def seen_at(self, points: Array, normals: Array) -> tuple[Array, Array]:
        """The number of the photograph that shows most of each point (N,) int16, -1 where none
        does; and how many show it (N,) int16."""
        best = np.full(len(points), -1, np.int16)
        most, count = np.zeros(len(points), np.float32), np.zeros(len(points), np.int16)
        for number, (at, _, weight) in enumerate(self._views(points, normals)):
            best[at[weight > most[at]]] = number
            most[at] = np.maximum(most[at], weight)
            count[at] += 1
        return best, count

    def _block(self, points: Array, normals: Array) -> Array:
        views = list(self._views(points, normals))
        best = np.zeros(len(points), np.float32)
        for at, _, weight in views:
            best[at] = np.maximum(best[at], weight)
        total, weights = np.zeros((len(points), 3), np.float32), np.zeros(len(points), np.float32)
        for number, (at, pixel, weight) in enumerate(views):
            # from nothing at ALSO smoothly to all at the best: no seams where another becomes it
            share = np.clip((weight / best[at] - ALSO) / (1 - ALSO), 0, 1) ** 2
            some = np.flatnonzero(share)
            at, share = at[some], share[some]
            colours = sampled(self.pictures[number].image, pixel[some]) * self.gains[number]
            total[at] += np.minimum(colours, 1) * share[:, None]
            weights[at] += share
        known = best[:, None] > 0
        return np.where(known, total / np.maximum(weights, 1e-12)[:, None], np.nan).astype(
            np.float32
        )

    def _views(self, points: Array, normals: Array) -> Iterator[tuple[Array, Array, Array]]:
        """What each photograph sees of it: which points (M,), their pixel positions (M,2), and
        weight (M,) > 0."""
        level = np.einsum("ij,ij->i", points, normals)
        for number, picture in enumerate(self.pictures):
            turn, move = picture.pose[:3, :3], picture.pose[:3, 3]
            facing = normals @ (-turn.T @ move) - level
            at = np.flatnonzero(facing > 0)
            yield self._view(number, at, points[at] @ turn.T + move, facing[at])

    def _view(
        self, number: int, at: Array, local: Array, facing: Array
    ) -> tuple[Array, Array, Array]:
        """Of the points AT, LOCAL in the photograph's frame, those that it sees. FACING (N,): the
        distance to it along their normals."""
        picture, depths = self.pictures[number], self.depths[number]
        fx, fy, cx, cy = picture.camera
        depth = np.maximum(local[:, 2], 1e-12)
        pixel = np.stack([local[:, 0] / depth * fx + cx, local[:, 1] / depth * fy + cy], axis=1)
        height, width = picture.image.shape[:2]
        cosine = facing / np.maximum(np.linalg.norm(local, axis=1), 1e-12)
        inside = (local[:, 2] > 0) & (cosine > STEEPEST)
        inside &= (pixel > 1).all(1) & (pixel < [width - 1, height - 1]).all(1)
        if picture.counts is not None:
            column, row = (pixel[inside].astype(int)).T
            inside[inside] = picture.counts[row, column]
        at, pixel, depth, cosine = (part[inside] for part in (at, pixel, depth, cosine))
        rows, columns = (
            np.minimum((pixel[:, axis] / COARSE).astype(int), depths.shape[1 - axis] - 1)
            for axis in (1, 0)
        )
        sees = np.abs(depth - depths[rows, columns]) < NEAR * depth / cosine
        at, pixel, depth, cosine = (part[sees] for part in (at, pixel, depth, cosine))
        weight = (cosine * fx / depth) ** 2 * self.weights[number]
        return at, (pixel - 0.5).astype(np.float32), weight.astype(np.float32)


def _depths(pictures: Sequence[Picture], surface: Surface) -> list[Array]:
    """For each picture the depth of the surface at its pixels, COARSE times fewer along each edge;
    none (NaN) beside the surface and along outlines."""
    import open3d as o3d
    from scipy.ndimage import maximum_filter, minimum_filter

    scene, centre, scale = sized(surface)
    found = []
    for picture in pictures:
        fx, fy, cx, cy = picture.camera
        height, width = (edge // COARSE for edge in picture.image.shape[:2])
        x = ((np.arange(width) + 0.5) * COARSE - cx) / fx
        y = ((np.arange(height) + 0.5) * COARSE - cy) / fy
        ahead = np.stack([*np.meshgrid(x, y), np.ones((height, width))], -1)
        turn = picture.pose[:3, :3]
        eye = (-turn.T @ picture.pose[:3, 3] - centre) * scale
        rays = np.concatenate([np.broadcast_to(eye, ahead.shape), ahead @ turn], -1)
        hit = scene.cast_rays(o3d.core.Tensor(rays.astype(np.float32)))["t_hit"].numpy() / scale
        hit[~np.isfinite(hit)] = 1e9
        window = 2 * RIM + 1
        nearest, farthest = minimum_filter(hit, window), maximum_filter(hit, window)
        whole = farthest - nearest < 10 * NEAR * nearest
        found.append(np.where(whole, hit, np.nan).astype(np.float32))
    return found
