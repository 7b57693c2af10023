"""How much light arrives: traced for one good picture, or worked out once for a whole turntable.

Shares are those of the key light and of the open sky that nothing blocks.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface
from pipeline.stages.finish import _lighting as light
from pipeline.stages.finish._hits import Hits

Array = NDArray[Any]
Shares = tuple[Array, Array]
NEAR = 8e-4  # offset of secondary rays
# light samples per pixel; every TILE × TILE block of pixels shares one set of them
SAMPLES, TILE = 2, 4
# how far pixels may lie from each other's plane and turn away to share their light
SAME_PLANE, SAME_SIDE = 0.02, 0.8
MAP, MAP_RAYS, VERTEX_RAYS = 160, 6, 16  # of the sky light that all pictures of a turntable share
# of pixels that show nothing: key, sky, normal and offset of no plane
OPEN = np.array([1, 0.8, 0, 0, 0, 9], np.float32)


class Scene(Protocol):
    """What is lit: a SURFACE with normals, its POINTS (V,3) in a frame of size 1, the height of the
    FLOOR below them."""

    surface: Surface
    points: Array
    floor: np.float32

    def blocked(self, place: Array, toward: Array) -> Array:
        """Whether the rays from PLACE (N,3) TOWARD a light (N,3) meet the surface (N,)."""


class Traced:
    """Soft shadows and occlusion, a few rays from each pixel of a coarse picture EDGE wide, then
    the mean over the pixels around that show the same piece of surface. What asks for light is
    FINER pixels to each of them."""

    def __init__(self, studio: Scene, hits: Hits, turn: Array, edge: int, finer: int) -> None:
        normal = np.concatenate([hits.normal, np.broadcast_to(light.UP, hits.ground_place.shape)])
        place = np.concatenate([hits.place, hits.ground_place])
        pixel = np.concatenate([hits.model, hits.ground])
        self.edge, self.finer = edge, finer
        self.grid = np.tile(OPEN, (edge * edge, 1))
        self.grid[pixel, :2] = _arrived(studio, normal, place, pixel, turn, edge)
        self.grid[pixel, 2:5], self.grid[pixel, 5] = normal, light.dot(normal, place)
        self.ground = self._smooth_ground(hits.ground)
        self.grid[hits.model, :2] = self._mean(hits, hits.model, -1)

    def on_model(self, hits: Hits, pixel: Array) -> Shares:
        """(key, sky) of what rays meet on the model; PIXEL (M,), row · edge + column of the finer
        picture, is each one's."""
        row, column = np.divmod(pixel, self.edge * self.finer)
        coarse = row // self.finer * self.edge + column // self.finer
        key, sky = self._mean(hits, coarse, 1).T
        return key, sky

    def on_ground(self, pixel: Array) -> Shares:
        """(key, sky) of the ground that PIXEL (G,) of the finer picture show."""
        row, column = np.divmod(pixel.astype(np.int32), np.int32(self.edge * self.finer))
        at = (np.stack([column, row], axis=1) + np.float32(0.5)) / np.float32(self.finer)
        key, sky = light.interpolated(self.ground, at - np.float32(0.5)).T
        return key, sky

    def _mean(self, hits: Hits, pixel: Array, sign: int) -> Array:
        """Shares (M,2): the grid's mean over a TILE × TILE window of the same piece of surface;
        SIGN says to which side it leans."""
        offset = light.dot(hits.normal, hits.place)
        total, weights = np.zeros((len(pixel), 2), np.float32), np.zeros(len(pixel), np.float32)
        for dy in range(-TILE // 2, TILE // 2):
            for dx in range(-TILE // 2, TILE // 2):
                there = self.grid.take(pixel + sign * (dy * self.edge + dx), axis=0, mode="clip")
                alike = light.dot(hits.normal, there[:, 2:5]) > SAME_SIDE
                alike &= np.abs(there[:, 5] - offset) < SAME_PLANE
                weight = alike + np.float32(1e-3)  # a lone sliver takes what is around
                total += there[:, :2] * weight[:, None]
                weights += weight
        return np.asarray(total / weights[:, None])

    def _smooth_ground(self, ground: Array) -> Array:
        """Means over wide windows of ground alone: nothing but shadows is drawn there."""
        shown = np.zeros((self.edge * self.edge, 3), np.float32)
        shown[ground, :2], shown[ground, 2] = self.grid[ground, :2], 1
        wide = _wide(shown.reshape(self.edge, self.edge, 3))
        found = (wide[..., :2] + np.float32(5e-4)) / (wide[..., 2:] + np.float32(1e-3))
        return np.asarray(found)


class Shared:
    """The same without the key light's cast shadow, from one calculation for all pictures: sky
    light of vertices and of the ground."""

    def __init__(self, studio: Scene) -> None:
        normal = np.asarray(studio.surface.normals, np.float32)
        self.of_vertices = _open_sky(
            studio, studio.points + normal * np.float32(2 * NEAR), normal, VERTEX_RAYS
        )
        self.of_ground = self._ground(studio)

        self.of_key = 0.35 + 0.65 * np.clip(self.of_vertices / 0.8, 0, 1)

    def shade(self) -> Array:
        """Share (MAP, MAP) of the wall's light that the ground shows, rows along z, columns along
        x, from -GROUND_END to GROUND_END."""
        key = np.clip(self.of_ground / 0.9, 0, 1)
        return light.on_ground(key, self.of_ground, np.hypot(*np.meshgrid(_cells(), _cells())))

    @staticmethod
    def _ground(studio: Scene) -> Array:
        """Sky light (MAP, MAP) of the ground around the model; neighbouring cells look in different
        directions and are then mixed."""
        z, x = np.meshgrid(_cells(), _cells(), indexing="ij")
        place = np.stack(
            [x.ravel(), np.full(MAP * MAP, studio.floor + NEAR, np.float32), z.ravel()], axis=1
        )
        upward = light.around(light.UP[None], light.sky_directions(TILE * TILE * MAP_RAYS)).reshape(
            MAP_RAYS, -1, 3
        )
        tile = _tile(np.arange(MAP * MAP), MAP)
        sky = np.zeros(MAP * MAP, np.float32)
        for directions in upward:
            above = directions[tile]
            sky += ~studio.blocked(place, above) * light.sky_share(above) / np.float32(MAP_RAYS)
        return _wide(sky.reshape(MAP, MAP, 1))[..., 0]


def _cells() -> Array:
    """Middles (MAP,) of the cells along either side of the ground."""
    step = (np.arange(MAP, dtype=np.float32) + 0.5) / MAP * 2 - 1
    return step * np.float32(light.GROUND_END)


def _tile(pixel: Array, edge: int) -> Array:
    """Which of the TILE² sets of directions a PIXEL of an image EDGE wide sends its rays in."""
    row, column = np.divmod(pixel, edge)
    return np.asarray(row % TILE * TILE + column % TILE)


def _wide(image: Array) -> Array:
    """Means of IMAGE (H,W,C) over windows in which each set of directions counts the same."""
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(uniform_filter(image, (TILE, TILE, 1)), (TILE, TILE, 1)))


def _arrived(
    studio: Scene, normal: Array, place: Array, pixel: Array, turn: Array, edge: int
) -> Array:
    """Shares (N,2) of key and sky from SAMPLES rays each; the pixels of a tile send theirs in
    different directions."""
    tile = _tile(pixel, edge)
    key = (light.key_directions(TILE * TILE * SAMPLES) @ turn.T).reshape(SAMPLES, -1, 3)
    sky = light.sky_directions(TILE * TILE * SAMPLES).reshape(SAMPLES, -1, 3)
    start = place + normal * np.float32(NEAR)
    found = np.zeros((len(pixel), 2), np.float32)
    lit = np.flatnonzero(normal @ (turn @ light.KEY_LIGHT) > 0)
    for number in range(SAMPLES):
        found[lit, 0] += ~studio.blocked(start[lit], key[number][tile[lit]])
        above = light.around(normal, sky[number][tile])
        found[:, 1] += ~studio.blocked(start, above) * light.sky_share(above)
    return found / np.float32(SAMPLES)


def _open_sky(studio: Scene, place: Array, normal: Array, rays: int) -> Array:
    total = np.zeros(len(place), np.float32)
    for direction in light.sky_directions(rays):
        above = light.around(normal, np.broadcast_to(direction, normal.shape))
        total += ~studio.blocked(place, above) * light.sky_share(above)
    return total / np.float32(rays)
