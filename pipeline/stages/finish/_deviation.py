"""How far the points of each pass lie outside or inside the surface (library: Open3D)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Features, PointCloud
from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.workspace import Workspace

Array = NDArray[Any]
SHOWN = 240_000  # points of all passes together


class Deviation(NamedTuple):
    """Points (N,3) of one pass in the common frame, and how far each lies OFF the surface (N,):
    outside it positive, in the unit of the vertices."""

    points: Array
    off: Array

    def told(self) -> dict[str, float]:
        """Mean and 95th percentile of the distance."""
        away = np.abs(self.off)
        return {"mean": float(away.mean()), "p95": float(np.percentile(away, 95))}


def by_pass(
    surface: Surface, cloud: PointCloud | None, features: Features | None, ws: Workspace
) -> dict[int, Deviation]:
    """By the number of the pass, evenly chosen points; without the support plane where that was
    taken away. Empty where the points do not say of which pass they are."""
    if cloud is None:
        return {}
    with np.load(ws.path((features and features.kept) or cloud.arrays)) as arrays:
        if "source" not in arrays or not len(arrays["points"]):
            return {}
        step = max(1, -(-len(arrays["points"]) // SHOWN))
        points, source = arrays["points"][::step], arrays["source"][::step]
    off = signed(surface, points)
    return {
        int(number): Deviation(points[source == number], off[source == number])
        for number in np.unique(source)
    }


def signed(surface: Surface, points: Array) -> Array:
    """Distances (N,) of POINTS, negative behind the face that is nearest."""
    import open3d as o3d

    unit = sized(surface)
    asked = unit.placed(points)
    nearest = unit.scene.compute_closest_points(o3d.core.Tensor(asked))
    way = asked - nearest["points"].numpy()
    side = np.einsum("ij,ij->i", way, nearest["primitive_normals"].numpy())
    return np.asarray(np.linalg.norm(way, axis=1) * np.where(side < 0, -1.0, 1.0) / unit.scale)
