"""Pictures of a surface without GPU or display: rays by Open3D's RaycastingScene (Embree), light
and film in numpy.

The model stands on a ground that shows nothing but its soft shadow. World: Y up, front +Z, scaled
to a box of diagonal 1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear
from pipeline.geometry.creases import with_normals
from pipeline.geometry.surface import Surface, smooth_normals
from pipeline.stages.finish import _lighting as light
from pipeline.stages.finish._camera import CORNERS, MIDDLE, Camera, framing, rays
from pipeline.stages.finish._hits import Hits, mixed
from pipeline.stages.finish._lighting import GROUND_END, KEY_LIGHT, RIM_LIGHT, dot, unit
from pipeline.stages.finish._model import GREY
from pipeline.stages.finish._shading import Traced

Array = NDArray[Any]
CREASED = 200_000  # faces up to which sharp edges are looked for; finer surfaces show theirs anyway
ROUGH = 12  # grey levels between neighbours beyond which a pixel gets more rays
COARSE = 2  # pixels along each of those from which light is traced
# of the texture per pixel of the picture, along an edge; a finer texture would only flicker
TEXELS = 4


class Studio:
    """One surface (in Y-up metres), lit and ready to be photographed from any side. IMAGE (H,W,3)
    uint8 belongs to its uv."""

    def __init__(self, surface: Surface, image: Array | None = None) -> None:
        import open3d as o3d

        if surface.normals is None:
            surface = (
                with_normals(surface)
                if len(surface.faces) <= CREASED
                else replace(surface, normals=smooth_normals(surface))
            )
        low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
        scale = 1.0 / max(surface.size, 1e-12)
        middle = (low + high) / 2
        self.surface, self.image = surface, image if surface.uv is not None else None
        self.points = ((surface.vertices - middle) * scale).astype(np.float32)
        self.floor = np.float32((low[1] - middle[1]) * scale - 1e-4)
        self.scene = o3d.t.geometry.RaycastingScene()
        self.scene.add_triangles(
            o3d.core.Tensor(self.points), o3d.core.Tensor(surface.faces.astype(np.uint32))
        )
        self._paint: dict[int, Array] = {}

    def picture(
        self,
        camera: Camera,
        edge: int,
        frame: tuple[Array, float] | None = None,
    ) -> Array:
        """(edge, edge, 3) uint8: a ray per pixel, five where neighbours differ. FRAME is what the
        camera looks at and from how far."""
        frame = frame or framing(self.points, [camera])
        pixel = np.arange(edge * edge)
        hits = self._hits(rays(camera, frame, edge, pixel, MIDDLE), edge)
        small = -(-edge // COARSE)
        lit = self._hits(rays(camera, frame, small, np.arange(small * small), MIDDLE), small)
        lamp = Traced(self, lit, camera.turn(), small, COARSE)
        film = _film(hits, pixel, lamp, camera, edge)
        rough = light.rough(light.developed(film).reshape(edge, edge, 3), ROUGH)
        finer = self._hits(rays(camera, frame, edge, rough, CORNERS), edge)
        more = _film(finer, np.repeat(rough, len(CORNERS)), lamp, camera, edge).reshape(
            -1, len(CORNERS), 3
        )
        film[rough] = (film[rough] + more.sum(axis=1)) / np.float32(1 + len(CORNERS))
        return light.developed(film).reshape(edge, edge, 3)

    def framing(self, cameras: list[Camera]) -> tuple[Array, float]:
        return framing(self.points, cameras)

    def blocked(self, place: Array, toward: Array) -> Array:
        """Whether the model stands in the way from PLACE (N,3) along TOWARD (N,3)."""
        import open3d as o3d

        found = np.empty((len(place), 6), np.float32)
        found[:, :3], found[:, 3:] = place, toward
        return np.asarray(
            self.scene.test_occlusions(o3d.core.Tensor(found), tnear=0.0, tfar=3.0).numpy()
        )

    def _hits(self, cast: Array, edge: int) -> Hits:
        import open3d as o3d

        answer = self.scene.cast_rays(o3d.core.Tensor(cast))
        distance = answer["t_hit"].numpy()
        on = np.isfinite(distance)
        model = np.flatnonzero(on)
        corners = self.surface.faces.take(answer["primitive_ids"].numpy()[model], axis=0)
        second, third = answer["primitive_uvs"].numpy().take(model, axis=0).T
        weight = np.stack([1 - second - third, second, third], axis=1)
        eye, toward = np.split(cast.take(model, axis=0), 2, axis=1)
        facing = np.where(
            dot(answer["primitive_normals"].numpy().take(model, axis=0), toward) < 0,
            np.float32(1),
            np.float32(-1),
        )
        normal = unit(mixed(self.surface.normals, corners, weight)) * facing[:, None]
        place = eye + toward * distance[model, None]
        ground, below = self._on_ground(cast, np.flatnonzero(~on))
        return Hits(
            model,
            place,
            normal,
            self._albedo(corners, weight, edge),
            corners,
            weight,
            ground,
            below,
        )

    def _on_ground(self, cast: Array, rest: Array) -> tuple[Array, Array]:
        """Those of the rays REST that meet the ground where shadows may lie, and where (G,3)."""
        reach = (self.floor - cast[rest, 1]) / np.minimum(cast[rest, 4], np.float32(-1e-6))
        x, z = (cast[rest, i] + cast[rest, 3 + i] * reach for i in (0, 2))
        near = np.flatnonzero((x * x + z * z < GROUND_END**2) & (reach > 0))
        return rest[near], np.stack([x[near], np.full(len(near), self.floor), z[near]], axis=1)

    def _albedo(self, corners: Array, weight: Array, edge: int) -> Array:
        if self.image is not None:
            paint = self.painted(edge)
            assert paint is not None
            at = mixed(self.surface.uv, corners, weight) * np.array(
                paint.shape[1::-1], np.float32
            ) - np.float32(0.5)
            return light.interpolated(paint, at)
        return mixed(self.albedo(), corners, weight)

    def albedo(self) -> Array:
        """Linear colours (V,3) of the vertices; white where a texture has the colours."""
        if self.image is None and self.surface.colors is not None:
            return to_linear(self.surface.colors)
        own = GREY if self.image is None else 1.0
        return np.full((len(self.points), 3), own, np.float32)

    def painted(self, edge: int) -> Array | None:
        """The texture in linear light, lower row first, no finer than a picture of EDGE pixels can
        show; None without one."""
        from PIL import Image

        if self.image is None:
            return None
        factor = max(1, max(self.image.shape[:2]) // (TEXELS * edge))
        if factor not in self._paint:
            self._paint[factor] = to_linear(
                np.asarray(Image.fromarray(self.image).reduce(factor))[::-1]
            )
        return self._paint[factor]


def _film(hits: Hits, pixel: Array, lamp: Traced, camera: Camera, edge: int) -> Array:
    """Linear light (N,3) that each ray brings back; PIXEL (N,) is the pixel it belongs to."""
    film = light.backdrop(edge).take(pixel, axis=0)
    turn = camera.turn()
    key, sky = lamp.on_model(hits, pixel[hits.model])
    key = key * np.maximum(hits.normal @ (turn @ KEY_LIGHT), 0)
    rim = np.maximum(hits.normal @ (turn @ RIM_LIGHT), 0)
    film[hits.model] = np.stack([key, sky, rim], axis=1) @ light.POWERS * hits.albedo
    key, sky = lamp.on_ground(pixel[hits.ground])
    distance = np.hypot(hits.ground_place[:, 0], hits.ground_place[:, 2])
    film[hits.ground] *= light.on_ground(key, sky, distance)[:, None]
    return film
