"""One pass made ready for matching: centred, at size 1, at three resolutions, with features and a
look-up of nearest points.

Everything in align works in this unit; lengths below are shares of the object's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._camera import Camera, camera_of

# What they come to on real sets: benchmarks/register.py.
FINE = 0.007  # cell of the cloud that refinement uses
FEATURE = 0.012  # cell of the feature points
COARSE = 0.018  # cell of the points that verification moves
_SAME_PLANE = (0.97, 0.015)  # cosine and length within which a point lies on the plane of another
_TELLING = 0.5  # points that count less are not matched where enough others are left …
_ENOUGH = 300  # … which is that many
_PLANE = 0.05  # share of the points up to which a plane counts fully
_FAR = 0.1  # how far from a body its points are still found
_ONE_COLOUR = 12  # of 255: colours that differ no more than this say nothing
ALIKE = 0.7  # cosine between normals of one surface
NEAR = 0.02  # points closer than this may be the same surface


@dataclass
class Prepared:
    """points and normals at the three resolutions; features (K,66) float32 of the key points;
    centre and size undo the normalisation."""

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
    # (C,) what each coarse point tells: 1, and little where it is one of many in a plane
    weight: Array
    lookup: Lookup
    camera: Camera | None
    # 0..1, of the fine and of the coarse points, where the pass has colours
    fine_colors: Array | None = None
    coarse_colors: Array | None = None


def prepare(
    name: str,
    points: Array,
    normals: Array,
    size: float,
    place: Array | None = None,
    colors: NDArray[np.uint8] | None = None,
    scene: bool = False,
    seen: bool = True,
) -> Prepared:
    """Build everything that matching needs from the oriented points of one pass (Open3D for the
    FPFH features); what no one camera has SEEN gets none."""
    centre = points.mean(0)
    unit = (points - centre) / size
    scanner = None if place is None else (place - centre) / size
    made = _build(name, centre, size, *_thin(unit, normals, FINE))
    if seen:
        made.camera = camera_of(made.fine, made.fine_normals, scanner, scene)
    if colors is not None and int(np.ptp(colors, axis=0).max()) > _ONE_COLOUR:
        made.fine_colors = clouds.thin(unit, FINE, colors / 255.0)[1]
        made.coarse_colors = clouds.thin(made.fine, COARSE, made.fine_colors)[1]
    return made


def _build(
    name: str,
    centre: Array,
    size: float,
    fine: Array,
    fine_normals: Array,
) -> Prepared:
    key, key_normals = _thin(fine, fine_normals, FEATURE)
    coarse, coarse_normals = _thin(fine, fine_normals, COARSE)
    features = fpfh(key, key_normals)
    telling = weight_of(key, key_normals, coarse, coarse_normals) > _TELLING
    if telling.sum() > _ENOUGH:  # points of a large plane all look alike
        key, key_normals, features = key[telling], key_normals[telling], features[telling]
    return Prepared(
        name, centre, size, fine, fine_normals, key, key_normals, features, coarse, coarse_normals,
        weight_of(coarse, coarse_normals, coarse, coarse_normals), Lookup(fine, fine_normals),
        None,
    )  # fmt: skip


def bare(points: Array, normals: Array) -> Prepared:
    """A cloud for verification alone: no features, no camera."""
    fine, fine_normals = _thin(points, normals, FINE)
    coarse, coarse_normals = _thin(fine, fine_normals, COARSE)
    none = np.zeros((0, 3))
    return Prepared(
        "", np.zeros(3), 1.0, fine, fine_normals, none, none, np.zeros((0, 66), np.float32),
        coarse, coarse_normals, weight_of(coarse, coarse_normals, coarse, coarse_normals),
        Lookup(fine, fine_normals, 0.012, _FAR), None,
    )  # fmt: skip


def weight_of(points: Array, normals: Array, among: Array, among_normals: Array) -> Array:
    """1 for points on curved or small surfaces; for one of a plane's points the share _PLANE over
    that of the plane.

    A table top matches itself in every position: it must not outvote the object that stands on it.
    """
    offsets = rigid.dot(among, among_normals).astype(np.float32)
    at_hand, facing = points.astype(np.float32), normals.astype(np.float32)
    steep = np.ascontiguousarray(among_normals.T, np.float32)
    weight = np.ones(len(points))
    for at in range(0, len(points), 1000):
        part = slice(at, at + 1000)
        off = at_hand[part] @ steep
        off -= offsets
        alike = np.abs(off, out=off) < _SAME_PLANE[1]
        alike &= facing[part] @ steep > _SAME_PLANE[0]
        share = np.bitwise_count(np.packbits(alike, axis=1)).sum(1) / len(among)
        weight[part] = np.minimum(1.0, _PLANE / np.maximum(share, 1e-9))
    return weight


def _thin(points: Array, normals: Array, cell: float) -> tuple[Array, Array]:
    thinned, directions = clouds.thin(points, cell, normals)
    return thinned, clouds.unit(directions)


def fpfh(points: Array, normals: Array) -> NDArray[np.float32]:
    """Fast point feature histograms of oriented points at two scales, side by side (N,66)
    (Open3D)."""
    import open3d as o3d

    cloud = clouds.as_open3d(points, normals)
    scales = ((5 * FEATURE, 100), (10 * FEATURE, 300))
    found = [
        o3d.pipelines.registration.compute_fpfh_feature(
            cloud, o3d.geometry.KDTreeSearchParamHybrid(*scale)
        )
        for scale in scales
    ]
    return np.ascontiguousarray(
        np.concatenate([np.asarray(one.data) for one in found]).T, np.float32
    )


class Lookup:
    """Nearest point of a cloud for many queries at once: a grid of cells that each name one point,
    built once per pass."""

    def __init__(
        self, points: Array, normals: Array, cell: float = 0.01, reach: float = 2 * NEAR
    ) -> None:
        from scipy import ndimage
        from scipy.spatial import cKDTree

        self.points, self.normals, self.cell = points, normals, cell
        reached = int(np.ceil(reach / cell))
        pad = reached + 2  # so that no cell on the border is near a point
        self.low = points.min(0) - pad * cell
        self.shape = np.floor((points.max(0) - self.low) / cell).astype(int) + pad + 1
        taken = np.zeros(self.shape, np.uint8)
        taken[tuple(((points - self.low) / cell).astype(int).T)] = 1
        near = ndimage.maximum_filter(taken, 2 * reached + 1).astype(bool)
        where = np.argwhere(near)
        index = cKDTree(points).query(self.low + (where + 0.5) * cell, workers=2)[1]
        self.index = np.full(self.shape, -1, np.int32)
        self.index[near] = index

    def query(self, places: Array) -> NDArray[np.int32]:
        """Index (…) of about the nearest point for places (…,3); -1 where nothing is near."""
        at = (places - self.low) / self.cell
        # cells on the border name no point (near nothing), and so stand for all outside
        at = np.clip(at, 0, self.shape - 1, out=at).astype(np.int32)
        row = at[..., 0] * self.shape[1] + at[..., 1]
        return np.asarray(self.index.ravel()[row * self.shape[2] + at[..., 2]])
