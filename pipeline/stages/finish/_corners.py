"""Colours at the corners of faces: where they break off between two faces, the vertices there are
split."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import face_normals
from pipeline.stages.finish.sources import ColourSource

Array = NDArray[Any]
# share of the way from a corner to the middle of its face, where its colour is asked for
INSET = 2e-3
SAME = 24  # of 255: colours of one vertex that differ by less are one


def at_corners(surface: Surface, source: ColourSource) -> Surface:
    """SURFACE with the colours that SOURCE has just inside each corner of each face."""
    corner = surface.vertices[surface.faces]
    places = (corner + INSET * (corner.mean(axis=1, keepdims=True) - corner)).reshape(-1, 3)
    normal, _ = face_normals(surface.vertices, surface.faces)
    found = as_bytes(source.colors_at(places, np.repeat(normal, 3, axis=0)))
    vertex = surface.faces.ravel()
    low, high = (
        np.full((len(surface.vertices), 3), 255),
        np.zeros((len(surface.vertices), 3), np.int64),
    )
    np.minimum.at(low, vertex, found)
    np.maximum.at(high, vertex, found)
    broken = ((high - low) > SAME).any(axis=1)
    code = np.where(broken[vertex], (found // 16).astype(np.int64) @ np.array([256, 16, 1]), 0)
    _, first, packed = np.unique(
        vertex.astype(np.int64) * 4096 + code, return_index=True, return_inverse=True
    )
    count = np.bincount(packed)
    mean = np.stack([np.bincount(packed, weights=found[:, k]) / count for k in range(3)], axis=1)
    split = surface.split(vertex[first], packed.reshape(-1, 3))
    return replace(split, colors=(mean + 0.5).astype(np.uint8))


def as_bytes(colors: Array) -> Array:
    """Colours 0…1 as bytes; what is not known is grey."""
    return np.asarray(
        (np.clip(np.where(np.isfinite(colors), colors, 0.5), 0, 1) * 255 + 0.5).astype(np.uint8)
    )
