"""Which point of the surface each texel shows: the uv chart seen from above by Open3D's ray caster,
grown over its rim."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface, smooth_normals

Array = NDArray[Any]
# texels beyond a chart that still get a colour of their own: bilinear filtering reads across the
# edge
RIM = 3


class Texels(NamedTuple):
    """at (N,) into the flattened EDGE × EDGE image, row 0 on top; face (N,); inside (N,), False on
    the rim."""

    at: Array
    face: Array
    inside: Array
    edge: int

    def part(self, start: int, stop: int) -> Texels:
        return Texels(
            self.at[start:stop], self.face[start:stop], self.inside[start:stop], self.edge
        )


def rasterise(surface: Surface, edge: int) -> Texels:
    """Texels of an EDGE × EDGE image that SURFACE's uv cover, and RIM texels around."""
    face = _faces_seen(surface, edge)
    covered = face >= 0
    for _ in range(RIM):
        face = _grown(face)
    at = np.flatnonzero(face.ravel() >= 0)
    return Texels(at, face.ravel()[at], covered.ravel()[at], edge)


def places(surface: Surface, texels: Texels) -> tuple[Array, Array]:
    """Points (N,3) and unit normals (N,3) of the texels. Rim texels lie on the continued plane of
    their face."""
    normal = surface.normals if surface.normals is not None else smooth_normals(surface)
    weight = _barycentric(surface, texels.face, texels.at, texels.edge)
    corners = surface.faces[texels.face]
    points = np.einsum("nk,nkj->nj", weight, surface.vertices[corners])
    normals = np.einsum("nk,nkj->nj", np.clip(weight, 0, 1), normal[corners])
    return points, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _faces_seen(surface: Surface, edge: int) -> Array:
    import open3d as o3d

    assert surface.uv is not None
    flat = np.zeros((len(surface.uv), 3), np.float32)
    flat[:, :2] = surface.uv * edge
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(o3d.core.Tensor(flat), o3d.core.Tensor(surface.faces.astype(np.uint32)))
    face = np.full((edge, edge), -1, np.int32)
    rows = max(1, (1 << 20) // edge)
    for top in range(0, edge, rows):
        y, x = np.mgrid[top : min(top + rows, edge), 0:edge].astype(np.float32) + 0.5
        rays = np.zeros((y.size, 6), np.float32)
        rays[:, 0], rays[:, 1], rays[:, 2], rays[:, 5] = x.ravel(), edge - y.ravel(), 1.0, -1.0
        seen = scene.cast_rays(o3d.core.Tensor(rays))["primitive_ids"].numpy()
        face[top : top + rows] = np.where(
            seen == scene.INVALID_ID, -1, seen.astype(np.int64)
        ).reshape(y.shape)
    return face


def _grown(face: Array) -> Array:
    """Empty texels take the face of a neighbour; straight neighbours go before diagonal ones."""
    grown = face.copy()
    padded = np.pad(face, 1, constant_values=-1)
    height, width = face.shape
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
        shifted = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        grown = np.where(grown < 0, shifted, grown)
    return grown


def _barycentric(surface: Surface, face: Array, index: Array, edge: int) -> Array:
    assert surface.uv is not None
    at = np.stack([index % edge + 0.5, edge - (index // edge + 0.5)], axis=1) / edge
    a, b, c = (surface.uv[surface.faces[face, i]].astype(np.float64) for i in range(3))
    u, v, w = b - a, c - a, at - a
    cross = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    cross = np.where(np.abs(cross) < 1e-20, 1e-20, cross)
    second = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / cross
    third = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / cross
    # a sliver's plane says little a few texels away: its rim stays near its edge
    weight = np.clip(np.stack([1 - second - third, second, third], axis=1), -4, 5)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))
