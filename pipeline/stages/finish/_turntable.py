"""A turning model: frames by OpenCV's software rasteriser (``triangleRasterize``, OpenCV 5), in the
light of the studio, every vertex lit once a frame.

Rays cost as much for each of three dozen frames as for one good picture; a rasteriser costs a few
milliseconds. Drawn FINER than wanted, then averaged in linear light.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import parts, weld
from pipeline.stages.finish import _lighting as light
from pipeline.stages.finish._camera import FOV, MIDDLE, Camera, rays
from pipeline.stages.finish._render import Studio
from pipeline.stages.finish._shading import MAP, Shared

Array = NDArray[Any]
FINER = 2  # drawn pixels along each pixel of a frame
NEAR, FAR = 0.01, 100.0  # of what is drawn, in sizes of the model
BRIGHT = 4.0  # more light than all lamps give together: the rasteriser mixes values up to 1


class Turntable:
    """The model of a STUDIO, seen by CAMERAS that differ in azimuth alone, in frames of EDGE². Of
    a CLOSED one whose parts face outward no back is drawn."""

    def __init__(
        self, studio: Studio, cameras: list[Camera], edge: int, closed: bool = False
    ) -> None:
        import cv2

        surface, lamp = studio.surface, Shared(studio)
        self.edge, self.frame = edge, studio.framing(cameras)
        self.points, self.faces = _rows(studio.points, np.float32), _rows(surface.faces, np.int32)
        self.normals, self.albedo = np.asarray(surface.normals, np.float32), studio.albedo()
        self.key, self.sky = lamp.of_key, lamp.of_vertices
        self.shade, self.ground = lamp.shade(), self._ground(studio.floor, cameras[0])
        self.wall = light.backdrop(edge).reshape(edge, edge, 3)
        self.paint, self.uv = studio.painted(edge), None
        if self.paint is not None and surface.uv is not None:
            flat = np.zeros((len(surface.uv), 3), np.float32)
            flat[:, :2] = np.clip(surface.uv, 0, 1)
            self.uv = _rows(flat, np.float32)
        # a front's corners go round counter-clockwise
        self.sides = [(cv2.RASTERIZE_CULLING_CW, 1), (cv2.RASTERIZE_CULLING_CCW, -1)]
        if closed and outward(surface):
            self.sides.pop()

    def picture(self, camera: Camera) -> Array:
        """(EDGE, EDGE, 3) uint8."""
        import cv2

        fine = self.edge * FINER
        film, depth = _empty(fine)
        for culling, side in self.sides:
            lit = _rows(self._light(camera, side) / np.float32(BRIGHT), np.float32)
            self._draw(lit, film, depth, camera, culling)
        if self.uv is not None:
            film *= self._texture(camera, fine)
        small = (self.edge, self.edge)
        empty = cv2.compare(depth, FAR, cv2.CMP_GE)
        around = self._shadow(camera) * cv2.resize(empty, small, interpolation=cv2.INTER_AREA)
        film = cv2.resize(film, small, interpolation=cv2.INTER_AREA) * np.float32(BRIGHT)
        film += self.wall * (around / np.float32(255))[..., None]
        return light.developed(film.reshape(-1, 3)).reshape(film.shape)

    def _light(self, camera: Camera, side: int) -> Array:
        """Linear light (V,3) that the vertices send back from their front or back SIDE (1, -1)."""
        turn = camera.turn()
        toward = self.normals @ (turn @ np.stack([light.KEY_LIGHT, light.RIM_LIGHT], axis=1))
        key, rim = np.maximum(toward * np.float32(side), 0).T
        lamps = np.stack([key * self.key, self.sky, rim], axis=1)
        return np.asarray(lamps @ light.POWERS * self.albedo)

    def _texture(self, camera: Camera, fine: int) -> Array:
        import cv2

        at, depth = _empty(fine)
        self._draw(self.uv, at, depth, camera, cv2.RASTERIZE_CULLING_NONE)
        height, width = self.paint.shape[:2]  # type: ignore[union-attr]
        x, y = (at[..., i] * np.float32(n) - np.float32(0.5) for i, n in ((0, width), (1, height)))
        return np.asarray(
            cv2.remap(self.paint, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )

    def _draw(self, values: Any, film: Array, depth: Array, camera: Camera, culling: int) -> None:
        """Draw per-vertex VALUES (V,3) of 0…1 into FILM where DEPTH has nothing nearer."""
        import cv2

        settings = cv2.TriangleRasterizeSettings()
        settings.setCullingMode(culling)
        settings.setShadingType(cv2.RASTERIZE_SHADING_SHADED)
        target, distance = self.frame
        axes, pose = camera.axes(), np.eye(4, dtype=np.float32)
        pose[:3, :3], pose[:3, 3] = axes, -axes @ (target + axes[2] * distance)
        cv2.triangleRasterize(
            self.points, self.faces, values, film, depth, pose, np.radians(FOV), NEAR, FAR, settings
        )

    def _ground(self, floor: np.float32, camera: Camera) -> Array:
        """Where every pixel of CAMERA meets the plane of the ground, x and z (EDGE², 2), turned
        back to azimuth 0; what meets none lies beyond every shadow."""
        cast = rays(camera, self.frame, self.edge, np.arange(self.edge**2), MIDDLE)
        reach = (floor - cast[:, 1]) / np.minimum(cast[:, 4], np.float32(-1e-6))
        place = cast[:, :3] + cast[:, 3:] * reach[:, None]
        place[reach <= 0] = 2 * light.GROUND_END
        return np.asarray((place @ light.turned(camera.azimuth))[:, [0, 2]])

    def _shadow(self, camera: Camera) -> Array:
        """Share of the wall's light (EDGE, EDGE) that the ground sends back."""
        import cv2

        around = light.turned(camera.azimuth)[np.ix_([0, 2], [0, 2])]
        cell = (self.ground @ around.T / np.float32(light.GROUND_END) + 1) * np.float32(
            MAP / 2
        ) - 0.5
        x, y = (
            np.ascontiguousarray(part.reshape(self.edge, self.edge), np.float32) for part in cell.T
        )
        return np.asarray(
            cv2.remap(self.shade, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )


def outward(surface: Surface) -> bool:
    """Whether every connected part of a closed SURFACE turns its fronts outward."""
    faces = weld(surface.vertices)[surface.faces]
    a, b, c = (surface.vertices[faces[:, i]] for i in range(3))
    tents = np.einsum("ij,ij->i", a, np.cross(b, c))
    return bool((np.bincount(parts(faces, len(surface.vertices)), weights=tents) > 0).all())


def _rows(values: Array, kind: Any) -> Array:
    """(N,3) as OpenCV takes them: (N,1,3), in one piece."""
    return np.ascontiguousarray(values, kind).reshape(-1, 1, 3)


def _empty(edge: int) -> tuple[Array, Array]:
    """A black film (EDGE, EDGE, 3) and a depth in which nothing stands."""
    return np.zeros((edge, edge, 3), np.float32), np.full((edge, edge), FAR, np.float32)
