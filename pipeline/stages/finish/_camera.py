"""The photographer: where a camera stands, how far off, and which ray each pixel looks along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.finish._lighting import turned

Array = NDArray[Any]
FOV = 26.0  # degrees
FILL = 0.86  # share of the picture's edge that the model fills
MIDDLE = np.zeros((1, 2), np.float32)  # of a pixel
# a turned square: no two in one row or column
CORNERS = np.array([[-3, -1], [1, -3], [3, 1], [-1, 3]], np.float32) / 8


@dataclass(frozen=True)
class Camera:
    """Looks at the model from AZIMUTH degrees to the right of its front and ELEVATION degrees
    above."""

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
        return turned(self.azimuth - Camera.azimuth)


def framing(points: Array, cameras: list[Camera]) -> tuple[Array, float]:
    """Point to look at (3,) and distance from which POINTS fill FILL of every camera's picture."""
    points = points[:: max(1, len(points) // 20_000)]
    slope = np.tan(np.radians(FOV / 2)) * FILL
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


def rays(
    camera: Camera, frame: tuple[Array, float], edge: int, pixel: Array, shifts: Array
) -> Array:
    """Rays (N · S, 6) through the places SHIFTS (S,2), in pixels from the middle, of each PIXEL
    (N,): row · EDGE + column."""
    target, distance = frame
    axes = camera.axes().astype(np.float32)
    row, column = np.divmod(pixel.astype(np.int32), np.int32(edge))
    scale = np.float32(2 * np.tan(np.radians(FOV / 2)) / edge)
    x, y = (
        (part[:, None] + (shifts[:, i] - np.float32(edge / 2 - 0.5))).ravel() * scale
        for i, part in ((0, column), (1, row))
    )
    found = np.empty((len(x), 6), np.float32)
    for i in range(3):  # column by column: numpy is slow along an axis of three
        found[:, i] = target[i] + axes[2, i] * distance
        found[:, 3 + i] = x * axes[0, i] - y * axes[1, i] - axes[2, i]
    return found
