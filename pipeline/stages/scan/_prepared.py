"""One pass made ready for matching: centred, at size 1, at three resolutions, with features and a look-up of nearest points.

Everything in align works in this unit; lengths below are shares of the object's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _normals

FINE = 0.007  # cell of the cloud that refinement uses
FEATURE = 0.012  # cell of the feature points
COARSE = 0.018  # cell of the points that verification moves
NEAR = 0.02  # points closer than this may be the same surface
_MARGIN = 0.03  # how far in front of a seen surface a point must lie to contradict it


@dataclass
class Prepared:
    """points and normals at the three resolutions; features (F,33) float32; centre and size undo the normalisation."""

    name: str
    centre: Array
    size: float
    fine: Array
    fine_normals: Array
    key: Array
    key_normals: Array
    features: NDArray[np.float32]
    coarse: Array
    coarse_normals: Array
    lookup: Lookup
    depth: Depth | None


def prepare(name: str, points: Array, normals: Array, size: float) -> Prepared:
    """Build everything that matching needs from the oriented points of one pass (Open3D for the FPFH features)."""
    centre = points.mean(0)
    unit = (points - centre) / size
    fine, fine_normals = _thin(unit, normals, FINE)
    key, key_normals = _thin(fine, fine_normals, FEATURE)
    coarse, coarse_normals = _thin(fine, fine_normals, COARSE)
    view = _normals.viewing_direction(fine, fine_normals)
    if view is not None and (fine_normals @ view).mean() < 0:
        view = -view
    depth = None if view is None else Depth(fine, view)
    return Prepared(name, centre, size, fine, fine_normals, key, key_normals, fpfh(key, key_normals), coarse, coarse_normals,
                    Lookup(fine, fine_normals), depth)  # fmt: skip


def _thin(points: Array, normals: Array, cell: float) -> tuple[Array, Array]:
    thinned, directions = clouds.thin(points, cell, normals)
    return thinned, clouds.unit(directions)


def fpfh(points: Array, normals: Array) -> NDArray[np.float32]:
    """Fast point feature histograms (N,33) of oriented points (Open3D)."""
    import open3d as o3d

    cloud = clouds.as_open3d(points, normals)
    found = o3d.pipelines.registration.compute_fpfh_feature(cloud, o3d.geometry.KDTreeSearchParamHybrid(5 * FEATURE, 100))
    return np.ascontiguousarray(np.asarray(found.data).T, np.float32)


class Lookup:
    """Nearest point of a cloud for many queries at once: a grid of cells that each name one point, built once per pass."""

    def __init__(self, points: Array, normals: Array, cell: float = 0.01, reach: float = 2 * NEAR) -> None:
        from scipy import ndimage
        from scipy.spatial import cKDTree

        self.points, self.normals, self.cell = points, normals, cell
        pad = int(np.ceil(reach / cell)) + 1
        self.low = points.min(0) - pad * cell
        self.shape = np.floor((points.max(0) - self.low) / cell).astype(int) + pad + 1
        near = np.zeros(self.shape, bool)
        near[tuple(((points - self.low) / cell).astype(int).T)] = True
        near = ndimage.binary_dilation(near, ndimage.generate_binary_structure(3, 3), iterations=pad - 1)
        where = np.argwhere(near)
        index = cKDTree(points).query(self.low + (where + 0.5) * cell, workers=2)[1]
        self.index = np.full(self.shape, -1, np.int32)
        self.index[near] = index

    def query(self, places: Array) -> NDArray[np.int32]:
        """Index (…) of about the nearest point for places (…,3); -1 where nothing is near."""
        at = np.floor((places - self.low) / self.cell).astype(np.int64)
        inside = ((at >= 0) & (at < self.shape)).all(-1)
        at = np.where(inside[..., None], at, 0)
        return np.asarray(np.where(inside, self.index[at[..., 0], at[..., 1], at[..., 2]], -1))


class Depth:
    """What the camera of a one-sided pass saw: the nearest surface per cell of a picture along its viewing direction."""

    def __init__(self, points: Array, view: Array, cell: float = 0.015) -> None:
        from scipy import ndimage

        self.view, self.cell = view, cell
        aside = np.eye(3)[np.argmin(np.abs(view))]
        across = np.cross(view, aside)
        across /= np.linalg.norm(across)
        self.axes = np.stack([across, np.cross(view, across)])
        flat = points @ self.axes.T
        self.low = flat.min(0) - 2 * cell
        at = ((flat - self.low) / cell).astype(int)
        shape = at.max(0) + 3
        deepest = np.full(shape, np.inf)
        np.minimum.at(deepest, tuple(at.T), points @ view)
        seen = np.isfinite(deepest)
        # a point contradicts only where the whole neighbourhood was seen: borders and slanted views prove nothing
        whole = ndimage.binary_erosion(seen, np.ones((3, 3)))
        highest = np.full(shape, -np.inf)
        np.maximum.at(highest, tuple(at.T), points @ view)
        self.front = np.where(whole, ndimage.maximum_filter(highest, 3), np.inf)

    def contradicts(self, places: Array) -> NDArray[np.bool_]:
        """True for places (…,3) in front of surface that this camera saw: it would have seen them instead."""
        at = np.floor((places @ self.axes.T - self.low) / self.cell).astype(np.int64)
        inside = ((at >= 0) & (at < self.front.shape)).all(-1)
        at = np.where(inside[..., None], at, 0)
        front = np.where(inside, self.front[at[..., 0], at[..., 1]], np.inf)
        return np.asarray(places @ self.view > front + _MARGIN)
