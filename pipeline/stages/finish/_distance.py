"""How far points lie from a surface (library: Open3D)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Features, PointCloud
from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.workspace import Workspace

Array = NDArray[Any]
SAMPLED = 20_000  # points that are measured


def scan_points(cloud: PointCloud, features: Features | None, ws: Workspace) -> Array:
    """(N,3) evenly chosen points of the merged cloud, without the support plane where that was
    taken away."""
    with np.load(ws.path((features and features.kept) or cloud.arrays)) as arrays:
        points: Array = arrays["points"]
        return points[:: max(1, len(points) // SAMPLED)]


def distances(surface: Surface, points: Array) -> Array:
    """Distances (N,) in the unit of the vertices."""
    import open3d as o3d

    unit = sized(surface)
    found = unit.scene.compute_distance(o3d.core.Tensor(unit.placed(points))).numpy()
    return np.asarray(found / unit.scale)
