"""Pictures of a surface without GPU or display: rays by Open3D's RaycastingScene (Embree), light and film in numpy.

The model stands on a ground that shows nothing but its soft shadow. World: Y up, front +Z, scaled to a box of diagonal 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear
from pipeline.geometry.creases import with_normals
from pipeline.geometry.surface import Surface, smooth_normals
from pipeline.stages.finish import _light as light
from pipeline.stages.finish._light import COOL, KEY_POWER, RIM_POWER, SAMPLES, SKY_POWER, TILE, WARM, dot, unit

Array = NDArray[Any]
GREY = 0.36  # linear albedo of a surface without colours
CREASED = 200_000  # faces up to which sharp edges are looked for; finer surfaces show theirs anyway
FOV = 26.0
GROUND_FADE = (0.5, 1.3)  # the shadow fades between these distances from the middle
NEAR = 8e-4  # offset of secondary rays
MAP, MAP_RAYS, VERTEX_RAYS = 160, 32, 16  # of the sky light that quick pictures share


@dataclass(frozen=True)
class Camera:
    """Looks at the model from AZIMUTH degrees to the right of its front and ELEVATION degrees above."""

    azimuth: float = 35.0
    elevation: float = 22.0

    def axes(self) -> Array:
        """Rows: right, up, backward."""
        a, e = np.radians([self.azimuth, self.elevation])
        back = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        right = np.array([np.cos(a), 0.0, -np.sin(a)])
        return np.stack([right, np.cross(back, right), back])

    def turn(self) -> Array:
        """How the lights move along, so that they stand where they are for the photographer."""
        return light.turned(self.azimuth - Camera.azimuth)


@dataclass
class _Hits:
    """Per subpixel: on the model, on the ground; place, normal, albedo (N,3); of those on the model also corners and weights (M,3)."""

    on: Array
    ground: Array
    place: Array
    normal: Array
    albedo: Array
    corners: Array
    weight: Array


class Studio:
    """One surface (in Y-up metres), lit and ready to be photographed from any side. IMAGE (H,W,3) uint8 belongs to its uv."""

    def __init__(self, surface: Surface, image: Array | None = None) -> None:
        import open3d as o3d

        if surface.normals is None:
            surface = with_normals(surface) if len(surface.faces) <= CREASED else replace(surface, normals=smooth_normals(surface))
        low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
        scale = 1.0 / max(surface.size, 1e-12)
        middle = (low + high) / 2
        self.surface, self.image = surface, None if image is None else image[::-1]
        self.points = ((surface.vertices - middle) * scale).astype(np.float32)
        self.floor = np.float32((low[1] - middle[1]) * scale - 1e-4)
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(o3d.core.Tensor(self.points), o3d.core.Tensor(surface.faces.astype(np.uint32)))
        self._shared_sky: tuple[Array, Array] | None = None

    def picture(self, camera: Camera, edge: int, framing: tuple[Array, float] | None = None, quick: bool = False) -> Array:
        """(edge, edge, 3) uint8 with four rays per pixel. FRAMING keeps the distance fixed over several pictures; QUICK ones have
        no cast shadow of the key light and share one calculation of the sky's."""
        side = edge * 2
        hits = self._hits(*_primary(camera.axes(), *(framing or self.framing([camera])), side))
        key, sky = self._quick_light(hits, camera.turn()) if quick else self._full_light(hits, camera.turn(), side)
        rim = np.maximum(hits.normal @ (camera.turn() @ light.RIM_LIGHT), 0) * hits.on
        arrived = key[:, None] * (KEY_POWER * WARM) + sky[:, None] * (SKY_POWER * COOL) + rim[:, None] * np.float32(RIM_POWER)
        open_ground = np.clip(arrived.mean(axis=1) / np.float32(light.OPEN_GROUND), 0, 1)
        radius = np.hypot(hits.place[:, 0], hits.place[:, 2])
        fade = np.clip((GROUND_FADE[1] - radius) / (GROUND_FADE[1] - GROUND_FADE[0]), 0, 1)
        shade = np.where(hits.ground, 1 - (1 - open_ground) * 0.8 * fade, 1)
        film = np.where(hits.on[:, None], arrived * hits.albedo, light.backdrop(side).reshape(-1, 3) * shade[:, None])
        return light.developed(film.reshape(edge, 2, edge, 2, 3).mean(axis=(1, 3)))

    def framing(self, cameras: list[Camera], fill: float = 0.86) -> tuple[Array, float]:
        """Point to look at and distance from which the model fills FILL of every camera's picture."""
        points = self.points[:: max(1, len(self.points) // 20000)]
        slope = np.tan(np.radians(FOV / 2)) * fill
        target = np.zeros(3)
        if len(cameras) == 1:
            axes = cameras[0].axes()
            flat = points @ axes.T
            target = ((flat.min(axis=0) + flat.max(axis=0)) / 2 * [1, 1, 0]) @ axes
        reach = 0.0
        for camera in cameras:
            right, up, back = (camera.axes() @ (points - target).T).astype(np.float64)
            reach = max(reach, float((np.maximum(abs(right), abs(up)) / slope + back).max()))
        return target, reach

    def _hits(self, eye: Array, rays: Array) -> _Hits:
        import open3d as o3d

        answer = self.scene.cast_rays(o3d.core.Tensor(np.concatenate([np.broadcast_to(eye, rays.shape), rays], axis=1)))
        distance = answer["t_hit"].numpy()
        on = np.isfinite(distance)
        index = np.flatnonzero(on)
        corners = self.surface.faces[answer["primitive_ids"].numpy()[index]]
        bary = answer["primitive_uvs"].numpy()[index]
        weight = np.stack([1 - bary.sum(axis=1), bary[:, 0], bary[:, 1]], axis=1)
        facing = np.where(dot(answer["primitive_normals"].numpy()[index], rays[index]) < 0, np.float32(1), np.float32(-1))
        hits = _Hits(on, np.zeros(len(rays), bool), np.zeros_like(rays), np.zeros_like(rays), np.zeros_like(rays), corners, weight)
        hits.place[index] = eye + rays[index] * distance[index, None]
        hits.normal[index] = unit(_mixed(self.surface.normals, corners, weight)) * facing[:, None]
        hits.albedo[index] = self._albedo(corners, weight)
        reach = (self.floor - eye[1]) / np.minimum(rays[:, 1], np.float32(-1e-6))
        ground = np.flatnonzero(~on & (rays[:, 1] < -1e-6) & (reach > 0) & (reach < 8))
        place = eye + rays[ground] * reach[ground, None]
        close = np.hypot(place[:, 0], place[:, 2]) < GROUND_FADE[1]
        hits.ground[ground[close]] = True
        hits.place[ground[close]] = place[close]
        hits.normal[ground[close]] = [0, 1, 0]
        return hits

    def _albedo(self, corners: Array, weight: Array) -> Array:
        if self.image is not None and self.surface.uv is not None:
            at = _mixed(self.surface.uv, corners, weight) * np.array(self.image.shape[1::-1], np.float32) - np.float32(0.5)
            return to_linear(_interpolated(self.image, at).round().astype(np.uint8))
        if self.surface.colors is not None:
            return _mixed(to_linear(self.surface.colors), corners, weight)
        return np.full((len(corners), 3), GREY, np.float32)

    def _full_light(self, hits: _Hits, turn: Array, side: int) -> tuple[Array, Array]:
        """Key and sky light (N,), (N,) with soft shadows and occlusion."""
        active = np.flatnonzero(hits.on | hits.ground)
        normal = hits.normal[active]
        place = hits.place[active] + normal * np.float32(NEAR)
        tile = (active // side % TILE) * TILE + active % side % TILE
        sky = light.sky_directions(TILE * TILE * SAMPLES).reshape(TILE * TILE, SAMPLES, 3)
        both = np.zeros((len(hits.on), 2), np.float32)
        for number in range(SAMPLES):
            toward = (light.key_directions() @ turn.T)[tile, number]
            cosine = np.maximum(dot(normal, toward), 0)
            lit = np.flatnonzero(cosine > 0)
            cosine[lit[self._blocked(place[lit], toward[lit])]] = 0
            above = light.around(normal, sky[tile, number])
            both[active] += np.stack([cosine, ~self._blocked(place, above) * light.sky_share(above)], axis=1) / np.float32(SAMPLES)
        key, open_sky = light.smoothed(both, hits.normal, hits.place, hits.ground, side).T
        return key, open_sky

    def _quick_light(self, hits: _Hits, turn: Array) -> tuple[Array, Array]:
        """The same without the key light's shadow, from one calculation for all pictures."""
        if self._shared_sky is None:
            self._shared_sky = self._sky_of_vertices(), self._sky_of_ground()
        of_vertices, of_ground = self._shared_sky
        key = np.maximum(hits.normal @ (turn @ light.KEY_LIGHT.astype(np.float32)), 0)
        sky = np.zeros(len(hits.on), np.float32)
        sky[hits.on] = _mixed(of_vertices[:, None], hits.corners, hits.weight)[:, 0]
        cell = (hits.place[hits.ground][:, [0, 2]] / GROUND_FADE[1] + 1) / 2 * MAP - 0.5
        sky[hits.ground] = _interpolated(of_ground, cell)
        key[hits.ground] *= np.clip(sky[hits.ground] / 0.9, 0, 1)
        key[hits.on] *= 0.35 + 0.65 * np.clip(sky[hits.on] / 0.8, 0, 1)
        return key, sky

    def _sky_of_vertices(self) -> Array:
        normal = np.asarray(self.surface.normals, np.float32)
        return self._open_sky(self.points + normal * np.float32(2 * NEAR), normal, VERTEX_RAYS)

    def _sky_of_ground(self) -> Array:
        from scipy.ndimage import gaussian_filter

        step = ((np.arange(MAP) + 0.5) / MAP * 2 - 1) * GROUND_FADE[1]
        z, x = np.meshgrid(step, step, indexing="ij")
        place = np.stack([x, np.full_like(x, self.floor + NEAR), z], axis=-1).reshape(-1, 3).astype(np.float32)
        sky = self._open_sky(place, np.tile(np.array([0, 1, 0], np.float32), (len(place), 1)), MAP_RAYS).reshape(MAP, MAP)
        return np.asarray(gaussian_filter(sky, 1.2))

    def _open_sky(self, place: Array, normal: Array, rays: int) -> Array:
        total = np.zeros(len(place), np.float32)
        for direction in light.sky_directions(rays):
            above = light.around(normal, np.broadcast_to(direction, normal.shape))
            total += ~self._blocked(place, above) * light.sky_share(above)
        return total / np.float32(rays)

    def _blocked(self, place: Array, toward: Array) -> Array:
        import open3d as o3d

        rays = np.concatenate([place, toward], axis=1).astype(np.float32)
        return np.asarray(self.scene.test_occlusions(o3d.core.Tensor(rays), tnear=0.0, tfar=3.0).numpy())


def _primary(axes: Array, target: Array, distance: float, side: int) -> tuple[Array, Array]:
    slope = np.tan(np.radians(FOV / 2))
    step = (((np.arange(side) + 0.5) / side * 2 - 1) * slope).astype(np.float32)
    right, up, back = axes.astype(np.float32)
    rays = step[None, :, None] * right - step[:, None, None] * up - back
    return (target + axes[2] * distance).astype(np.float32), unit(rays.reshape(-1, 3))


def _mixed(values: Any, corners: Array, weight: Array) -> Array:
    """Per-vertex VALUES (V,K) mixed by barycentric WEIGHT (N,3) of CORNERS (N,3)."""
    return np.asarray(sum(values[corners[:, i]] * weight[:, i : i + 1] for i in range(3)))


def _interpolated(field: Array, at: Array) -> Array:
    """Bilinear values of FIELD (H,W,…) at AT (N,2) = x, y; beyond the edge the edge goes on."""
    height, width = field.shape[:2]
    low = np.floor(at).astype(np.int32)
    part = (at - low).astype(np.float32)
    total: Array = np.zeros((len(at), *field.shape[2:]), np.float32)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = np.clip(low[:, 0] + dx, 0, width - 1), np.clip(low[:, 1] + dy, 0, height - 1)
        share = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
        total += field[y, x] * share.reshape(-1, *[1] * (field.ndim - 2))
    return total
