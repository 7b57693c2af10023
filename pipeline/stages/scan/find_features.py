"""Merged cloud → what is recognised in it: support plane, up, frame."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Features, PointCloud, Scans
from pipeline.geometry import arrays, rigid, units
from pipeline.workspace import Workspace


def run(cloud: PointCloud, scans: Scans, ws: Workspace) -> Features:
    """Up axis and the map to Y-up metres."""
    points = arrays.load(ws.path(cloud.arrays))["points"]
    up = np.array([0.0, 0.0, 1.0])
    base = points.mean(0) - up * (points.mean(0) - points.min(0))
    return Features(up=(0.0, 0.0, 1.0), up_from="guess", frame=rigid.to_matrix(units.to_metres(scans.unit, up, base)))
