"""Merged cloud → what is recognised in it: planes, what the object stands on, which way is up, and
symmetry."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Alignment, Features, Plane, PointCloud, Scans
from pipeline.geometry import arrays, clouds, rigid, units
from pipeline.geometry.rigid import Array
from pipeline.kept.options import FindFeatures
from pipeline.stages.scan import _mirrors, _planes, _up
from pipeline.stages.scan._up import Up
from pipeline.workspace import StageWorkspace, Workspace

_LARGE = 2.0  # metres: what is larger is a scene, whose floor or table is a part of it

_STEEP = 0.98  # cosine to the way up from which an axis is no front


def run(
    cloud: PointCloud, scans: Scans, alignment: Alignment, ws: StageWorkspace[FindFeatures]
) -> Features:
    """Find planes (share ≥ 3 %), the support plane, the up axis, the map from the common frame to
    Y-up metres, and the symmetry of what is kept (not where planes are skipped).

    A support plane (turntable, table) is taken away from the cloud unless plane=keep; a flat base
    or a room's floor is not one and stays, and so does everything of a scene larger than a thing on
    a table. Up is the axis that was asked for, else what _up finds; a guess is a warning. The
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
    small = units.METRES[scans.unit] * cloud.size <= _LARGE or ws.options.plane == "remove"
    removed = support is not None and small and ws.options.plane != "keep"
    kept, rest, facing, taken = None, points, normals, 0.0
    if support is not None and removed:
        keep = support.height(points) > 2 * thickness
        keep[keep] = ~clouds.lonely(points[keep])
        kept, rest, facing = "find_features/kept.npz", points[keep], normals[keep]
        arrays.save(ws.path(kept), **{name: array[keep] for name, array in stored.items()})
        taken = float((~keep).mean())
        ws.warn(
            f"the support plane was taken away ({taken:.0%} of the points); set plane=keep to keep"
            " it"
        )
    elif ws.options.plane == "remove":
        ws.warn("plane=remove was asked for, but no support plane was found")
    up, source, guess = _asked(ws.options.up) or _up.find(
        rest, facing, planes, support, scans, alignment
    )
    if guess:
        ws.warn(
            f"which way is up is a guess ({source}): nothing but the shape tells; set up=z (or"
            " another axis) if that is wrong"
        )
    ws.progress(0.8, "looking for symmetry")
    listed = tuple(_listed(plane, plane is support, taken, up, len(points)) for plane in planes)
    return Features(
        planes=listed,
        symmetry=_mirrors.find(rest, facing) if ws.options.finds_planes else None,
        up=_triple(up),
        up_from=source,
        up_guessed=guess,
        frame=_frame(rest, up, scans.unit, _front(ws.options.front, up, ws)),
        kept=kept,
    )


def _asked(up: str) -> Up | None:
    """The axis that options name, in the common frame."""
    if up == "auto":
        return None
    return Up(units.axis(up), "option up")


def _front(front: str, up: Array, ws: Workspace) -> Array | None:
    """The axis that options name; said where it is not level enough to be a front."""
    if front == "auto":
        return None
    axis = units.axis(front)
    if abs(axis @ up) > _STEEP:
        ws.warn(f"front={front} was asked for, but that axis points up or down; set up as well")
        return None
    return axis


def _listed(
    plane: _planes.PlaneFit, is_support: bool, taken: float, up: Array, total: int
) -> Plane:
    """PLANE with its share of the TOTAL points; of the support that was TAKEN away, the share of
    all that went with it, as the warning says."""
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
        share=taken if is_support and taken else float(plane.inside.sum() / total),
        role=role,
        removed=is_support and taken > 0,
    )


def _frame(
    points: Array, up: Array, unit: str, front: Array | None
) -> tuple[tuple[float, ...], ...]:
    turn = units.to_metres("m", up, np.zeros(3), front)
    low, high = np.percentile(rigid.apply(turn, points), (0.1, 99.9), axis=0)
    middle = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    return rigid.to_matrix(units.to_metres(unit, up, turn[:3, :3].T @ middle, front))


def _triple(vector: Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z
