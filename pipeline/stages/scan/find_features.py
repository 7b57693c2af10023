"""Merged cloud → what is recognised in it: planes, what the object stands on, which way is up."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Features, Plane, PointCloud, Scans
from pipeline.geometry import arrays, clouds, rigid, units
from pipeline.geometry.rigid import Array
from pipeline.kept.declared import FindFeatures
from pipeline.stages.scan import _planes
from pipeline.workspace import StageWorkspace

RESTING = "resting guess"
_Z = np.array([0.0, 0.0, 1.0])


def run(cloud: PointCloud, scans: Scans, ws: StageWorkspace[FindFeatures]) -> Features:
    """Find planes (share ≥ 3 %), the support plane, the up axis, and the map from the common frame
    to Y-up metres.

    A support plane (turntable, table) is taken away from the cloud unless plane=keep; a flat base
    or a room's floor is not one and stays. Up is the axis that was asked for, else the support
    plane's, else z where the file's frame is gravity's, else how the object would rest. The
    object's lowest point comes to height 0, its middle to x = z = 0. numpy and scipy; sampling is
    seeded.
    """
    stored = arrays.load(ws.path(cloud.arrays))
    points, normals = stored["points"], stored["normals"].astype(np.float64)
    thickness = max(2 * cloud.spacing, 0.002 * cloud.size)
    planes = (
        _planes.find(points, normals, thickness, ws.options.seed) if ws.options.finds_planes else []
    )
    ws.progress(0.6, f"{len(planes)} planes found")
    support = _planes.support(planes, points, thickness)
    removed = support is not None and ws.options.plane != "keep"
    kept, rest = None, points
    if support is not None and removed:
        keep = support.height(points) > 2 * thickness
        keep[keep] = ~clouds.lonely(points[keep])
        kept, rest = "find_features/kept.npz", points[keep]
        arrays.save(ws.path(kept), **{name: array[keep] for name, array in stored.items()})
        ws.warn(
            f"the support plane was taken away ({100 * (~keep).mean():.0f} % of the points); set"
            " plane=keep to keep it"
        )
    elif ws.options.plane == "remove":
        ws.warn("plane=remove was asked for, but no support plane was found")
    up, source = _asked(ws.options.up) or _up(support, planes, rest, scans)
    if source == RESTING:
        ws.warn(
            "nothing tells which way is up, so the model lies on its flattest side; set up=z (or"
            " another axis) if that is wrong"
        )
    listed = tuple(_listed(plane, plane is support, removed, up, len(points)) for plane in planes)
    return Features(
        planes=listed, up=_triple(up), up_from=source, frame=_frame(rest, up, scans.unit), kept=kept
    )


def _asked(up: str) -> tuple[Array, str] | None:
    """The axis that options name, in the common frame."""
    if up == "auto":
        return None
    return np.eye(3)["xyz".index(up[-1])] * (-1.0 if up.startswith("-") else 1.0), "option up"


def _up(
    support: _planes.PlaneFit | None, planes: list[_planes.PlaneFit], points: Array, scans: Scans
) -> tuple[Array, str]:
    if support is not None:
        return support.normal, "support plane"
    if any(one.pose for one in scans.passes):
        return _Z, "file"
    level = next((plane for plane in planes if abs(plane.normal @ _Z) > 0.99), None)
    if level is not None:
        return _Z, "level plane"
    return _planes.resting(points), RESTING


def _listed(
    plane: _planes.PlaneFit, is_support: bool, removed: bool, up: Array, total: int
) -> Plane:
    role = (
        "support"
        if is_support
        else (
            "face"
            if 0.2 < abs(plane.normal @ up) < 0.97
            else "wall"
            if abs(plane.normal @ up) <= 0.2
            else "level"
        )
    )
    return Plane(
        normal=_triple(plane.normal),
        offset=plane.offset,
        share=float(plane.inside.sum() / total),
        role=role,
        removed=is_support and removed,
    )


def _frame(points: Array, up: Array, unit: str) -> tuple[tuple[float, ...], ...]:
    turned = rigid.apply(units.to_metres("m", up, np.zeros(3)), points)
    low, high = np.percentile(turned, (0.1, 99.9), axis=0)
    middle = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    base = units.to_metres("m", up, np.zeros(3))[:3, :3].T @ middle
    return rigid.to_matrix(units.to_metres(unit, up, base))


def _triple(vector: Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z
