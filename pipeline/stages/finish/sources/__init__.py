"""Where colours come from: points, an earlier painted surface, a field, posed pictures. All answer
the same question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class ColourSource(Protocol):
    """``colors_at(points, normals)`` → colours (N,3) float32, sRGB 0…1, NaN where the source knows
    nothing.

    points (N,3) and unit normals (N,3) stand in the mesh's own frame and unit."""

    def colors_at(self, points: Array, normals: Array) -> Array: ...


class Field:
    """A function of place, such as a radiance field: FUNCTION maps points (N,3) to colours (N,3),
    sRGB 0…1."""

    def __init__(self, function: Callable[[Array], Array], block: int = 1 << 18) -> None:
        self.function, self.block = function, block

    def colors_at(self, points: Array, normals: Array) -> Array:
        parts = [
            self.function(points[start : start + self.block])
            for start in range(0, len(points), self.block)
        ]
        return np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, 3), np.float32)


class FirstThatKnows:
    """Several sources in order: what the first does not know the next is asked."""

    def __init__(self, sources: Sequence[ColourSource]) -> None:
        self.sources = sources

    def colors_at(self, points: Array, normals: Array) -> Array:
        answer = self.sources[0].colors_at(points, normals)
        for source in self.sources[1:]:
            unknown = np.flatnonzero(np.isnan(answer[:, 0]))
            if len(unknown):
                answer[unknown] = source.colors_at(points[unknown], normals[unknown])
        return answer


def sampled(image: Array, at: Array) -> Array:
    """Bilinear sRGB 0…1 at pixel positions AT (N,2) = x, y; beyond the edge the edge goes on."""
    height, width = image.shape[:2]
    low = np.floor(at).astype(np.int32)
    part = (at - low).astype(np.float32)
    total = np.zeros((len(at), 3), np.float32)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = np.clip(low[:, 0] + dx, 0, width - 1), np.clip(low[:, 1] + dy, 0, height - 1)
        total += image[y, x] * (np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1]))[:, None]
    return total / np.float32(255)
