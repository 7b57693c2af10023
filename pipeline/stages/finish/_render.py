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

Array = NDArray[Any]
GREY = 0.36  # linear albedo of a surface without colours
KEY_LIGHT = np.array([-0.45, 0.85, 0.55]) / np.linalg.norm([-0.45, 0.85, 0.55])
KEY_POWER, SKY_POWER, RIM_POWER = 1.55, 0.62, 0.16
WARM, COOL = np.array([1.0, 0.97, 0.92], np.float32), np.array([0.93, 0.97, 1.0], np.float32)
RIM_LIGHT = np.array([0.55, 0.25, -0.8], np.float32)
SOFTNESS = 0.13  # tangent of the light's half angle
SAMPLES = 2  # of either light per subpixel
TILE = 4  # every TILE × TILE block of subpixels shares one set of light samples
FOV = 26.0
GROUND_FADE = (0.5, 1.3)  # the shadow fades between these distances from the middle
CREASED = 200_000  # faces up to which sharp edges are looked for; finer surfaces show theirs anyway
NEAR = 8e-4  # offset of secondary rays


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


class Studio:
    """One surface (in Y-up metres), lit and ready to be photographed from any side."""

    def __init__(self, surface: Surface, image: Array | None = None) -> None:
        import open3d as o3d

        if surface.normals is None:
            surface = with_normals(surface) if len(surface.faces) <= CREASED else replace(surface, normals=smooth_normals(surface))
        low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
        scale = 1.0 / max(surface.size, 1e-12)
        middle = (low + high) / 2
        self.points = ((surface.vertices - middle) * scale).astype(np.float32)
        self.floor = float((low[1] - middle[1]) * scale) - 1e-4
        self.faces = surface.faces
        self.normals = surface.normals
        self.colors, self.uv = surface.colors, surface.uv if image is not None else None
        self.image = None if image is None else image[::-1]
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(o3d.core.Tensor(self.points), o3d.core.Tensor(surface.faces.astype(np.uint32)))

    def picture(self, camera: Camera, edge: int, over: int = 2, framing: tuple[Array, float] | None = None) -> Array:
        """(edge, edge, 3) uint8; OVER × OVER rays per pixel. FRAMING keeps the distance fixed over several pictures."""
        axes = camera.axes()
        target, distance = framing or self.framing([camera])
        side = edge * over
        eye, rays = _primary(axes, target, distance, side)
        hit = self._hit(eye, rays)
        light = self._lit(hit, side, _turn(camera.azimuth - Camera().azimuth))
        backdrop = _backdrop(side).reshape(-1, 3)
        pixels = np.where(hit.on[:, None], light * hit.albedo, backdrop * hit.ground_light(light))
        film = pixels.reshape(edge, over, edge, over, 3).mean(axis=(1, 3))
        return _developed(film)

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

    def _hit(self, eye: Array, rays: Array) -> _Hit:
        import open3d as o3d

        answer = self.scene.cast_rays(o3d.core.Tensor(np.concatenate([np.broadcast_to(eye, rays.shape), rays], axis=1)))
        distance, face = answer["t_hit"].numpy(), answer["primitive_ids"].numpy()
        on = np.isfinite(distance)
        index = np.flatnonzero(on)
        corners = self.faces[face[index]]
        bary = answer["primitive_uvs"].numpy()[index]
        weight = np.stack([1 - bary.sum(axis=1), bary[:, 0], bary[:, 1]], axis=1)
        flat = _unit(answer["primitive_normals"].numpy()[index])
        smooth = _unit(_mixed(self.normals, corners, weight))
        facing = np.where(_dot(flat, rays[index]) < 0, np.float32(1), np.float32(-1))
        hit = _Hit(on, np.zeros_like(rays), np.zeros_like(rays), np.zeros_like(rays), np.zeros(len(rays), bool))
        hit.place[index] = eye + rays[index] * distance[index, None]
        hit.normal[index] = smooth * facing[:, None]
        hit.albedo[index] = self._albedo(corners, weight)
        reach = np.float32(self.floor - eye[1]) / np.minimum(rays[:, 1], np.float32(-1e-6))
        ground = np.flatnonzero(~on & (rays[:, 1] < -1e-6) & (reach > 0) & (reach < 8))
        place = eye + rays[ground] * reach[ground, None]
        close = np.linalg.norm(place[:, [0, 2]], axis=1) < GROUND_FADE[1]
        ground = ground[close]
        hit.ground[ground] = True
        hit.place[ground] = place[close]
        hit.normal[ground] = [0, 1, 0]
        return hit

    def _albedo(self, corners: Array, weight: Array) -> Array:
        if self.image is not None and self.uv is not None:
            height, width = self.image.shape[:2]
            return _bilinear(self.image, _mixed(self.uv, corners, weight) * np.float32([width, height]) - np.float32(0.5))
        if self.colors is not None:
            return _mixed(to_linear(self.colors), corners, weight)
        return np.full((len(corners), 3), GREY, np.float32)

    def _lit(self, hit: _Hit, side: int, turn: Array) -> Array:
        """Light that arrives at every subpixel (N,3): soft key light, sky with occlusion, a little rim from behind.
        TURN (3,3) keeps the lights where they are for the photographer."""
        active = np.flatnonzero(hit.on | hit.ground)
        normal = hit.normal[active]
        place = hit.place[active] + normal * np.float32(NEAR)
        tile = (active // side % TILE) * TILE + active % side % TILE
        both = np.zeros((len(hit.on), 2), np.float32)
        for number in range(SAMPLES):
            toward = (_disc_directions() @ turn.T)[tile, number]
            cosine = np.maximum(_dot(normal, toward), 0)
            lit = np.flatnonzero(cosine > 0)
            cosine[lit[self._blocked(place[lit], toward[lit])]] = 0
            above = _around(normal, _cosine_directions()[tile, number])
            open_sky = ~self._blocked(place, above) * (0.55 + 0.45 * np.maximum(above[:, 1], 0))
            both[active] += np.stack([cosine, open_sky], axis=1) / np.float32(SAMPLES)
        both = _smoothed(both, hit, side)
        rim = np.maximum(hit.normal @ (turn @ RIM_LIGHT), 0)[:, None] * hit.on[:, None]
        return both[:, :1] * (KEY_POWER * WARM) + both[:, 1:] * (SKY_POWER * COOL) + rim * np.float32(RIM_POWER)

    def _blocked(self, place: Array, toward: Array) -> Array:
        import open3d as o3d

        rays = np.concatenate([place, toward], axis=1).astype(np.float32)
        return np.asarray(self.scene.test_occlusions(o3d.core.Tensor(rays), tnear=0.0, tfar=3.0).numpy())


@dataclass
class _Hit:
    """Per subpixel: on the model or not; place, normal, albedo (N,3); on the ground or not."""

    on: Array
    place: Array
    normal: Array
    albedo: Array
    ground: Array

    def ground_light(self, light: Array) -> Array:
        """How much of the open ground's light is left, 0…1; the shadow fades out with distance."""
        open_light = KEY_POWER * KEY_LIGHT[1] + SKY_POWER * 0.9
        share = np.clip(light.mean(axis=1, keepdims=True) / open_light, 0, 1)
        radius = np.linalg.norm(self.place[:, [0, 2]], axis=1, keepdims=True)
        fade = np.clip((GROUND_FADE[1] - radius) / (GROUND_FADE[1] - GROUND_FADE[0]), 0, 1)
        return np.where(self.ground[:, None], 1 - (1 - share) * 0.8 * fade, 1.0)


def _primary(axes: Array, target: Array, distance: float, side: int) -> tuple[Array, Array]:
    slope = np.tan(np.radians(FOV / 2))
    step = (((np.arange(side) + 0.5) / side * 2 - 1) * slope).astype(np.float32)
    right, up, back = axes.astype(np.float32)
    rays = step[None, :, None] * right - step[:, None, None] * up - back
    return (target + axes[2] * distance).astype(np.float32), _unit(rays.reshape(-1, 3))


def _turn(degrees: float) -> Array:
    """Rotation about the upright axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def _dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.sqrt(_dot(vectors, vectors)), np.float32(1e-12))[:, None])


def _mixed(values: Array, corners: Array, weight: Array) -> Array:
    """Per-vertex VALUES (V,K) mixed by barycentric WEIGHT (N,3) of CORNERS (N,3)."""
    return np.asarray(sum(values[corners[:, i]] * weight[:, i : i + 1] for i in range(3)))


def _stratified() -> Array:
    """(TILE², SAMPLES, 2) points in the unit square: a Hammersley set, of which every tile sees all."""
    number = np.arange(TILE * TILE * SAMPLES)
    reverse = sum(((number >> bit) & 1) / 2.0 ** (bit + 1) for bit in range(5))
    points = np.stack([(number + 0.5) / len(number), reverse], axis=1)
    order = np.random.default_rng(7).permutation(len(number))
    return np.asarray(points[order].reshape(TILE * TILE, SAMPLES, 2))


def _disc_directions() -> Array:
    """Directions to points of the key light, (TILE², SAMPLES, 3)."""
    u, v = np.moveaxis(_stratified(), -1, 0)
    side = np.cross(KEY_LIGHT, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    other = np.cross(KEY_LIGHT, side)
    radius, angle = np.sqrt(u) * SOFTNESS, 2 * np.pi * v
    spread = KEY_LIGHT + (radius * np.cos(angle))[..., None] * side + (radius * np.sin(angle))[..., None] * other
    return np.asarray(spread / np.linalg.norm(spread, axis=-1, keepdims=True), np.float32)


def _cosine_directions() -> Array:
    """Cosine-weighted directions about +Z, (TILE², SAMPLES, 3)."""
    u, v = np.moveaxis(_stratified(), -1, 0)
    radius, angle = np.sqrt(u), 2 * np.pi * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - u)], axis=-1).astype(np.float32)


def _around(normal: Array, local: Array) -> Array:
    """LOCAL directions (about +Z) turned to stand about NORMAL (Duff et al. 2017)."""
    x, y, z = normal.T
    sign = np.where(z >= 0, np.float32(1), np.float32(-1))
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    second = np.stack([b, sign + y * y * a, -y], axis=1)
    return np.asarray(first * local[:, :1] + second * local[:, 1:2] + normal * local[:, 2:])


def _smoothed(light: Array, hit: _Hit, side: int) -> Array:
    """Mean over a TILE × TILE window of subpixels on the same piece of surface: every sample of the tile takes part.
    On the ground a second, wider mean follows, because nothing but shadows is drawn there."""
    from scipy.ndimage import uniform_filter

    grid, ground = light.reshape(side, side, 2), hit.ground.reshape(side, side)
    normal, place = hit.normal.reshape(side, side, 3), hit.place.reshape(side, side, 3)
    height = np.einsum("ijk,ijk->ij", normal, place)
    total, weight = np.zeros_like(grid), np.zeros((side, side), np.float32)
    for dy in range(-TILE // 2, TILE // 2):
        for dx in range(-TILE // 2, TILE // 2):
            here = (slice(max(0, -dy), side - max(0, dy)), slice(max(0, -dx), side - max(0, dx)))
            there = (slice(max(0, dy), side - max(0, -dy)), slice(max(0, dx), side - max(0, -dx)))
            alike = np.einsum("ijk,ijk->ij", normal[here], normal[there]) > 0.8
            alike &= np.abs(height[there] - height[here]) < 0.02
            total[here] += grid[there] * alike[..., None]
            weight[here] += alike
    mean = total / np.maximum(weight, 1)[..., None]
    radius = max(3, side // 80)
    share = uniform_filter(ground.astype(np.float32), radius)
    for channel in range(2):
        wide = uniform_filter(np.where(ground, mean[..., channel], 0), radius) / np.maximum(share, 1e-6)
        mean[..., channel] = np.where(ground, wide, mean[..., channel])
    return np.asarray(mean.reshape(-1, 2))


def _bilinear(image: Array, at: Array) -> Array:
    """Linear-light colours at pixel positions AT (N,2) of an sRGB image."""
    height, width = image.shape[:2]
    low = np.floor(at).astype(int)
    part = at - low
    total = np.zeros((len(at), 3), np.float32)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = np.clip(low[:, 0] + dx, 0, width - 1), np.clip(low[:, 1] + dy, 0, height - 1)
        share = np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
        total += to_linear(image[y, x]) * share[:, None]
    return total


def _backdrop(side: int) -> Array:
    """A light studio wall (linear): brighter in the middle, a little darker to the corners."""
    step = (np.arange(side) + 0.5) / side * 2 - 1
    x, y = np.meshgrid(step, step)
    glow = np.exp(-(x**2 + (y + 0.1) ** 2) * 0.55)
    return np.asarray((0.50 + 0.30 * glow)[..., None] * np.array([0.97, 0.985, 1.0]), np.float32)


def _developed(film: Array) -> Array:
    """Linear light → sRGB uint8 with a soft shoulder, so that highlights keep their drawing."""
    curve = np.where(film < 0.7, film, 0.7 + 0.3 * np.tanh((film - 0.7) / 0.3))
    value = np.where(curve <= 0.0031308, curve * 12.92, 1.055 * np.power(np.maximum(curve, 1e-9), 1 / 2.4) - 0.055)
    return np.asarray(np.clip(value * 255 + 0.5, 0, 255).astype(np.uint8))
