"""An earlier form of the surface that still has its texture or vertex colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear, to_srgb
from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.stages.finish.sources import sampled

Array = NDArray[Any]


class Painted:
    """An earlier surface that has a texture or vertex colours; looked up where the normal meets it
    (library: Open3D).

    tint (V,3) uint8: what its texture is multiplied by, in linear light, at its vertices."""

    def __init__(self, surface: Surface, image: Array | None, tint: Array | None = None) -> None:

        self.surface, self.image, self.tint = surface, None if image is None else image[::-1], tint
        self.scene, self.centre, self.scale = sized(surface)

    REACH = 0.02  # of the size: how far a thinned surface may stand off

    def colors_at(self, points: Array, normals: Array) -> Array:
        answer = np.empty((len(points), 3), np.float32)
        for start in range(0, len(points), 1 << 19):
            part = slice(start, start + (1 << 19))
            answer[part] = self._block(points[part], normals[part])
        return answer

    def _block(self, points: Array, normals: Array) -> Array:
        import open3d as o3d

        at = ((points - self.centre) * self.scale).astype(np.float32)
        toward = normals.astype(np.float32)
        best = np.full(len(at), np.inf, np.float32)
        face, bary = np.zeros(len(at), np.int64), np.zeros((len(at), 2), np.float32)
        for sign in (1, -1):
            # begins a little behind the point: it may lie exactly on the surface
            rays = np.concatenate([at - sign * 1e-4 * toward, sign * toward], axis=1)
            hit = self.scene.cast_rays(o3d.core.Tensor(np.ascontiguousarray(rays)))
            distance = np.abs(hit["t_hit"].numpy() - 1e-4)
            nearer = distance < best
            best[nearer], face[nearer], bary[nearer] = (
                distance[nearer],
                hit["primitive_ids"].numpy()[nearer],
                hit["primitive_uvs"].numpy()[nearer],
            )
        lost = np.flatnonzero(best > self.REACH)
        if len(lost):
            near = self.scene.compute_closest_points(
                o3d.core.Tensor(np.ascontiguousarray(at[lost]))
            )
            face[lost], bary[lost] = near["primitive_ids"].numpy(), near["primitive_uvs"].numpy()
        return self._look_up(face, bary)

    def _look_up(self, face: Array, bary: Array) -> Array:
        weight = np.stack([1 - bary.sum(axis=1), bary[:, 0], bary[:, 1]], axis=1)
        corners = self.surface.faces[face]
        if self.image is not None and self.surface.uv is not None:
            uv = np.einsum("nk,nkj->nj", weight, self.surface.uv[corners])
            seen = sampled(self.image, (uv - np.floor(uv)) * self.image.shape[1::-1] - 0.5)
            return (
                seen
                if self.tint is None
                else self._tinted(
                    seen, np.einsum("nk,nkj->nj", weight, to_linear(self.tint)[corners])
                )
            )
        assert self.surface.colors is not None
        return np.asarray(
            np.einsum("nk,nkj->nj", weight, self.surface.colors[corners] / np.float32(255)),
            np.float32,
        )

    @staticmethod
    def _tinted(seen: Array, light: Array) -> Array:
        """SEEN (N,3), sRGB 0…1, times LIGHT (N,3), linear."""
        linear = np.where(seen <= 0.04045, seen / 12.92, ((seen + 0.055) / 1.055) ** 2.4)
        return np.asarray(to_srgb(linear * light) / np.float32(255), np.float32)
