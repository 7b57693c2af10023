"""Poisson reconstruction and what is measured on its surface. Faces are (F,3) int32 into vertices
(V,3) float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Matrix
from pipeline.geometry import clouds, rigid, units
from pipeline.geometry.raycasting import scene_of
from pipeline.geometry.rigid import Array

Faces = NDArray[np.int32]
_REACH = 4.0  # spacings from a point within which surface counts as observed


def depth(points: Array, spacing: float, deepest: int) -> int:
    """Octree depth whose cells are about as wide as the points are apart (Open3D's cube is 1.1
    times the extent)."""
    extent = 1.1 * float((points.max(0) - points.min(0)).max())
    return int(np.clip(np.ceil(np.log2(max(extent / max(spacing, 1e-12), 2.0)) - 0.2), 5, deepest))


def reach(spacing: float) -> float:
    """Distance to the nearest point up to which surface counts as observed."""
    return _REACH * spacing


def poisson(points: Array, normals: Array, depth: int) -> tuple[Array, Faces]:
    """Screened Poisson surface (Open3D) at one octree depth; computed around the cloud's middle for
    the sake of its float arithmetic."""
    import open3d as o3d

    middle = points.mean(0)
    cloud = clouds.as_open3d(points - middle, normals)
    # one thread: the order of its sums decides the last bits, and with them the bytes
    mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(
        cloud, depth=depth, n_threads=1
    )
    return np.asarray(mesh.vertices) + middle, np.asarray(mesh.triangles).astype(np.int32)


def apart(vertices: Array, points: Array) -> Array:
    """How far each vertex is from the next point."""
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(points).query(vertices, workers=2)[0])


def compact(vertices: Array, faces: Faces) -> tuple[Array, Faces]:
    """Leave out vertices that no face uses."""
    used, index = np.unique(faces, return_inverse=True)
    return vertices[used], index.reshape(-1, 3).astype(np.int32)


def areas(vertices: Array, faces: Faces) -> Array:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))


def distances(points: Array, vertices: Array, faces: Faces, most: int = 200_000) -> Array:
    """Distance of (an even sample of) the points to the surface (Open3D ray-casting scene, float32
    around the middle)."""
    import open3d as o3d

    middle = vertices.mean(0)
    scene = scene_of(vertices - middle, faces)
    some = (points[:: max(1, len(points) // most)] - middle).astype(np.float32)
    return np.asarray(scene.compute_distance(o3d.core.Tensor(some)).numpy(), np.float64)


def colors(vertices: Array, points: Array, colored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Vertex colours: the inverse-distance mean of the four nearest points."""
    from scipy.spatial import cKDTree

    apart, index = cKDTree(points).query(vertices, k=min(4, len(points)), workers=2)
    weight = 1 / np.maximum(
        apart.reshape(len(vertices), -1), 1e-9 * max(float(np.ptp(points)), 1e-30)
    )
    mean = (
        colored[index.reshape(len(vertices), -1)]
        * (weight / weight.sum(1, keepdims=True))[..., None]
    ).sum(1)
    return np.asarray(np.clip(np.rint(mean), 0, 255).astype(np.uint8))


def soundness(vertices: Array, faces: Faces) -> tuple[bool, bool]:
    """(watertight, manifold): every edge has two faces that run along it in opposite ways; no edge
    has more than two."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    low, high = edges.min(1), edges.max(1)
    once = np.sort(low * len(vertices) + high)
    counts = np.diff(np.flatnonzero(np.r_[True, once[1:] != once[:-1], True]))
    directed = np.sort(edges[:, 0] * len(vertices) + edges[:, 1])
    agree = bool((directed[1:] != directed[:-1]).all())
    return bool((counts == 2).all()) and agree, bool((counts <= 2).all()) and agree


def plain_frame(unit: str) -> Matrix:
    """The map to Y-up metres when nothing is known but the unit: z is taken as up."""
    return rigid.to_matrix(units.to_metres(unit, np.array([0.0, 0.0, 1.0]), np.zeros(3)))
