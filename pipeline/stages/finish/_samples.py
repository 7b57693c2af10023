"""Collects the colour samples of a scan: all passes as they were read, not the merged cloud,
because every sample counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Alignment, PointCloud, Scans
from pipeline.geometry.units import as_matrix
from pipeline.workspace import Workspace

Array = NDArray[Any]
MOST = 6_000_000  # samples: more than a 4096² texture has texels per chart, and still within 1 GB


def samples_of(
    cloud: PointCloud | None, scans: Scans | None, alignment: Alignment | None, ws: Workspace
) -> tuple[Array, Array, Array | None] | None:
    """points (N,3) in the common frame, colors (N,3) uint8, normals (N,3) or None; None where
    nothing has colours."""
    found = (
        _from_passes(scans, alignment, ws) if scans is not None and alignment is not None else None
    )
    if found is not None or cloud is None or not cloud.colored:
        return found
    with np.load(ws.path(cloud.arrays)) as arrays:
        step = -(-len(arrays["points"]) // MOST)
        return (
            arrays["points"][::step],
            arrays["colors"][::step],
            _some(arrays.get("normals"), step),
        )


def _from_passes(
    scans: Scans, alignment: Alignment, ws: Workspace
) -> tuple[Array, Array, Array | None] | None:
    pose = {
        placed.name: as_matrix(placed.pose)
        for placed in alignment.passes
        if placed.placed and placed.pose is not None
    }
    chosen = [item for item in scans.passes if item.name in pose and item.duplicate_of is None]
    step = max(1, -(-sum(item.points for item in chosen) // MOST))
    points, colors, normals = [], [], []
    for item in chosen:
        with np.load(ws.path(item.arrays)) as arrays:
            if "colors" not in arrays:
                continue
            turn = pose[item.name]
            points.append(arrays["points"][::step] @ turn[:3, :3].T + turn[:3, 3])
            colors.append(arrays["colors"][::step])
            own = _some(arrays.get("normals"), step)
            normals.append(None if own is None else own @ turn[:3, :3].T)
    if not points:
        return None
    complete = [part for part in normals if part is not None]
    together = np.concatenate(complete) if len(complete) == len(points) and scans.oriented else None
    return np.concatenate(points), np.concatenate(colors), together


def _some(normals: Array | None, step: int) -> Array | None:
    return None if normals is None else normals[::step]
