"""Vertex normals that keep edges sharp: vertices are split where the surface turns by more than an
angle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface, smooth_normals
from pipeline.geometry.topology import corner_angles, edges, face_normals, fans, pairs, weld

Array = NDArray[Any]
SHARP = 40.0  # degrees between neighbouring faces
SLIVER = 0.08  # share of the angle around a vertex below which a fan has no normal of its own
FLAT = 1e-6  # share of the area around a vertex below which a fan's direction is rounding


def with_normals(surface: Surface, sharp: float = SHARP) -> Surface:
    """SURFACE with normals (V,3): smooth within each fan of faces that no sharp edge divides;
    vertices at sharp edges are split."""
    first = weld(surface.vertices)
    faces = first[surface.faces]
    normal, area = face_normals(surface.vertices, surface.faces)
    table = edges(faces)
    left, right = pairs(table)
    turn = np.einsum("ij,ij->i", normal[left // 3], normal[right // 3])
    flat = turn > np.cos(np.radians(sharp))
    if flat.all():
        return replace(surface, normals=smooth_normals(surface).astype(np.float32))
    count = table.uses.copy()
    count[np.concatenate([left[~flat], right[~flat]])] = 1  # a sharp edge joins no fans
    fan = fans(faces, table._replace(uses=count))
    total = np.stack(
        [np.bincount(fan, weights=np.repeat(normal[:, i] * area, 3)) for i in range(3)], axis=1
    )
    # a fan much narrower than its vertex's surroundings is a fold or a sliver, not a crease: it
    # goes along with them. Its angle tells, not its area: a box's narrow side meets every corner at
    # 90 degrees, however it is cut into triangles
    owner = np.empty(len(total), np.int64)
    owner[fan] = faces.ravel()
    around = np.stack(
        [np.bincount(owner, weights=total[:, i], minlength=len(first)) for i in range(3)], axis=1
    )[owner]
    small = _share(fan, owner, corner_angles(surface.vertices, surface.faces)) < SLIVER
    small |= _share(fan, owner, np.repeat(area, 3)) < FLAT
    total = np.where(small[:, None], around, total)
    smooth = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-300)
    pair = surface.faces.ravel().astype(np.int64) * (int(fan.max()) + 1) + fan
    _, corner, packed = np.unique(pair, return_index=True, return_inverse=True)
    split = surface.split(surface.faces.ravel()[corner], packed.reshape(-1, 3))
    return replace(split, normals=smooth[fan[corner]].astype(np.float32))


def _share(fan: Array, owner: Array, weights: Array) -> Array:
    """How much of the WEIGHTS (3F,) of the corners around its vertex each fan has, 0…1."""
    mine = np.bincount(fan, weights=weights)
    return np.asarray(mine / np.maximum(np.bincount(owner, weights=mine)[owner], 1e-300))
