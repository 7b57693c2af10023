"""Which camera fits a set of silhouettes: its lens and its height, found by how well a coarse hull
fills them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.silhouettes import DISTANCE, axes_of

Array = NDArray[Any]
# of the coarse hull along an edge; of a silhouette: so few that the hull's points leave no gaps
POINTS, PIXELS = 44, 28
FOVS = (12.0, 16.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0)  # degrees
ELEVATIONS = (-20.0, -10.0, 0.0, 10.0, 20.0, 30.0, 40.0)
FINER = 5.0  # degrees: the second look around the best elevation
USUAL_FOV, LEVEL = 30.0, 0.0
# share of the silhouettes that another lens or height must fill more than a more usual one
BETTER = 0.005


class Camera(NamedTuple):
    """Degrees, the elevation of each view; fit: the mean share of the silhouettes that the hull
    fills."""

    fov: float
    elevations: list[float]
    fit: float


def found(
    masks: Array, azimuths: Sequence[float], fov: float | None, elevations: Sequence[float] | None
) -> Camera:
    """The camera of silhouettes (V,PIXELS,PIXELS) at one scale that turned around the object; what
    is told (degrees) is kept."""

    def heights(value: float) -> list[float]:
        return list(elevations) if elevations is not None else [value] * len(masks)

    def lens(height: float) -> float:
        return fov or _best(
            FOVS, USUAL_FOV, lambda value: fit(masks, azimuths, value, heights(height))
        )

    first, height = lens(LEVEL), LEVEL
    if elevations is None:
        height = _best(ELEVATIONS, LEVEL, lambda value: fit(masks, azimuths, first, heights(value)))
    if height != LEVEL:  # the lens was looked for at the wrong height
        first = lens(height)
        height = max(
            (height, height - FINER, height + FINER),
            key=lambda value: fit(masks, azimuths, first, heights(value)),
        )
    return Camera(first, heights(height), fit(masks, azimuths, first, heights(height)))


def _best(of: Iterable[float], usual: float, score: Callable[[float], float]) -> float:
    """Of those that score nearly as the best, the one nearest to the usual."""
    scores = {value: score(value) for value in of}
    return min(
        (value for value in scores if scores[value] > max(scores.values()) - BETTER),
        key=lambda value: abs(value - usual),
    )


def fit(masks: Array, azimuths: Sequence[float], fov: float, elevations: Sequence[float]) -> float:
    """The mean share of the silhouettes (V,S,S) that their common hull fills."""
    half = DISTANCE * np.tan(np.radians(fov) / 2)
    axis = np.linspace(-half, half, POINTS, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    size = masks.shape[1]
    focal = 0.5 * size / np.tan(np.radians(fov) / 2)
    for mask, azimuth, elevation in zip(masks, azimuths, elevations, strict=True):
        points = points[_hit(mask, *_pixels(points, azimuth, elevation, focal, size))]
    filled = []
    for mask, azimuth, elevation in zip(masks, azimuths, elevations, strict=True):
        seen = np.zeros_like(mask)
        row, column, _ = _pixels(points, azimuth, elevation, focal, size)
        seen[row, column] = True
        filled.append((seen & mask).sum() / max(1, mask.sum()))
    return float(np.mean(filled))


def _pixels(
    points: Array, azimuth: float, elevation: float, focal: float, size: int
) -> tuple[Array, Array, Array]:
    """Rows and columns of POINTS (N,3), and which of them lie in the picture."""
    seen = points @ axes_of(azimuth, elevation).T.astype(np.float32)
    at = np.floor(seen[:, :2] / (seen[:, 2:] + DISTANCE) * focal + size / 2).astype(int)
    inside = np.asarray(((at >= 0) & (at < size)).all(axis=1))
    at = at.clip(0, size - 1)
    return at[:, 1], at[:, 0], inside


def _hit(mask: Array, row: Array, column: Array, inside: Array) -> Array:
    return np.asarray(mask[row, column] & inside)
