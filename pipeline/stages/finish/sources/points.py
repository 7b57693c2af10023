"""Colour samples scattered over the surface, as scans bring them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Points:
    """Colour samples: each asked point gets the plane fitted to its nearest samples' colours, near
    ones counting more.

    Samples that face away do not count, so the far side of a thin wall does not shine through
    (library: scipy's cKDTree)."""

    NEIGHBOURS = 6

    def __init__(self, points: Array, colors: Array, normals: Array | None = None) -> None:
        from scipy.spatial import cKDTree

        self.colors = (colors / 255.0).astype(np.float32)
        self.points, self.normals = points, normals
        self.tree = cKDTree(points, leafsize=24, balanced_tree=False)

    def colors_at(self, points: Array, normals: Array) -> Array:
        answer = np.empty((len(points), 3), np.float32)
        for start in range(0, len(points), 1 << 18):
            part = slice(start, start + (1 << 18))
            answer[part] = self._block(points[part], normals[part])
        return answer

    def _block(self, points: Array, normals: Array) -> Array:
        count = min(self.NEIGHBOURS, len(self.points))
        distance, near = self.tree.query(points, k=count, workers=-1)
        distance, near = distance.reshape(len(points), -1), near.reshape(len(points), -1)
        reach = 1.5 * distance[:, -1:] + 1e-30
        weight = (1 - (distance / reach) ** 2) ** 2
        if self.normals is not None:
            facing = np.einsum("nkj,nj->nk", self.normals[near], normals) > 0.1
            weight = np.where(facing.any(axis=1, keepdims=True), weight * facing, weight)
        colors = self.colors[near]
        offset = (self.points[near] - points[:, None]) / np.maximum(distance[:, -1:, None], 1e-30)
        return _fitted(offset.astype(np.float32), weight.astype(np.float32), colors)


def _fitted(offset: Array, weight: Array, colors: Array) -> Array:
    """Value at offset 0 of the weighted plane through COLORS (N,K,3), kept within the range of the
    samples."""
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-30)
    middle = np.einsum("nk,nkj->nj", share, offset)
    mean = np.einsum("nk,nkc->nc", share, colors)
    spread = offset - middle[:, None]
    moment = np.einsum("nk,nki,nkj->nij", share, spread, spread, optimize=True)
    # samples lie on a surface: across it the moment is almost zero and must not be divided by
    moment += np.eye(3, dtype=np.float32) * (
        0.02 * np.trace(moment, axis1=1, axis2=2)[:, None, None] + 1e-12
    )
    lean = np.einsum("nk,nki,nkc->nic", share, spread, colors - mean[:, None], optimize=True)
    slope = np.linalg.solve(moment, lean)
    fitted = mean - np.einsum("ni,nic->nc", middle, slope)
    used = (weight > 0)[..., None]
    low = np.where(used, colors, np.inf).min(axis=1)
    high = np.where(used, colors, -np.inf).max(axis=1)
    return np.asarray(np.clip(fitted, low, high), np.float32)
