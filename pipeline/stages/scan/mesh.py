"""Merged cloud → triangle mesh: Poisson surface, cut where no data supports it, coloured from the
cloud."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Features, Mesh, PointCloud, PosedPictures, Scans
from pipeline.errors import MeshEmpty
from pipeline.geometry import arrays
from pipeline.kept.options import MeshScan
from pipeline.stages.scan import _bridges, _surface
from pipeline.workspace import StageWorkspace, Workspace

PLAIN = (
    "{:.1%} of the surface is so plain in all photographs that its depth cannot be seen: it is"
    " drawn from what is around it, and listed as a hole that was closed without data. Chalk, tape"
    " or stickers on it would show it"
)
WORTH_SAYING = 0.002  # share of the surface
DENSE = 0.75  # of the usual reach: where every place was measured often, surface ends sooner


def run(
    cloud: PointCloud,
    features: Features | None,
    scans: Scans,
    posed: PosedPictures | None,
    ws: StageWorkspace[MeshScan],
) -> Mesh:
    """Poisson reconstruction (Open3D) of the cloud that find_features kept, in the common frame and
    the drop's unit.

    The octree is as deep as the point spacing asks for, up to the tier's depth. Surface farther
    than a few spacings from every point is cut (surface=observed) or kept (closed), but over places
    that photographs show plain. Points that are not finite never reach Open3D. Raises MeshEmpty
    when no surface is left.
    """
    stored = arrays.load(ws.path(features.kept if features and features.kept else cloud.arrays))
    points, normals, colors = _usable(stored)
    ws.progress(0.05, f"meshing {len(points)} points")
    depth = _surface.depth(points, cloud.spacing, ws.options.depth)
    vertices, faces = _surface.poisson(points, normals, depth)
    ws.progress(0.6, f"{len(faces)} faces at depth {depth}")
    reach = _surface.reach(cloud.spacing) * (DENSE if scans.dense else 1)
    if ws.options.surface == "observed":
        keep = _observed(vertices, faces, points, reach, scans, posed, ws)
        vertices, faces = _surface.compact(vertices, faces[keep])
    if len(faces) < 4:
        raise MeshEmpty()
    file = "mesh/mesh.npz"
    watertight, manifold = _surface.soundness(vertices, faces)
    arrays.save(
        ws.path(file),
        vertices=vertices,
        faces=faces,
        colors=None if colors is None else _surface.colors(vertices, points, colors),
    )
    return Mesh(
        arrays=file,
        vertices=len(vertices),
        faces=len(faces),
        watertight=watertight,
        manifold=manifold,
        unit=scans.unit,
        frame=features.frame if features else _surface.plain_frame(scans.unit),
        origin=scans.origin,
    )


def _observed(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int32],
    points: NDArray[np.float64],
    reach: float,
    scans: Scans,
    posed: PosedPictures | None,
    ws: Workspace,
) -> NDArray[np.bool_]:
    """Which faces (F,) have points at all corners, or stand for a place that photographs show
    plain."""
    apart = _surface.apart(vertices, points)
    loose: NDArray[np.bool_] = np.asarray(apart[faces].max(1) > reach)
    if posed is None or not posed.pictures or not scans.dense or loose.all():
        return ~loose
    bridged = _bridges.over_plain_places(vertices, faces, loose, apart, posed, scans, ws)
    areas = _surface.areas(vertices, faces)
    share = float(areas[bridged].sum() / areas[bridged | ~loose].sum())
    if share >= WORTH_SAYING:
        ws.warn(PLAIN.format(share))
    return ~loose | bridged


def _usable(
    stored: dict[str, NDArray[Any]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8] | None]:
    """Only finite points with a finite normal of some length: one NaN in Poisson ends the
    process."""
    points, normals = stored["points"], stored["normals"].astype(np.float64)
    fine = (
        np.isfinite(points).all(1)
        & np.isfinite(normals).all(1)
        & (np.linalg.norm(normals, axis=1) > 0.5)
    )
    if fine.sum() < 10:
        raise MeshEmpty("fewer than ten points are left to mesh")
    colors = stored.get("colors")
    return points[fine], normals[fine], None if colors is None else colors[fine]
