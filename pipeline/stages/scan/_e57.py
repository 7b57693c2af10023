"""E57 by libE57 (pye57): every scan in the file is a pass, with its pose; the scanner stands at the
scan's own origin."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from pipeline.errors import BackendUnavailable, InputRejected
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken
from pipeline.geometry import rigid
from pipeline.geometry.readers.parts import side_by_side
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _shades
from pipeline.stages.scan._e57_columns import (
    COLOUR,
    GRID,
    STATES,
    colours,
    columns,
    grid,
    to_xyz,
    together,
)
from pipeline.stages.scan._raw import MOST_POINTS, Raw

_PLACE = ("cartesianX", "cartesianY", "cartesianZ")
_POLAR = ("sphericalRange", "sphericalAzimuth", "sphericalElevation")
_NORMAL = ("nor:normalX", "nor:normalY", "nor:normalZ")
_SHINE = ("intensity", "isIntensityInvalid")


def read(source: Source, account: Account) -> Iterator[Raw]:
    """Passes in metres, read one after the other. Raises InputRejected for a damaged page, a file
    without points or one cut short."""
    _check(source)
    try:
        import pye57
    except ImportError:
        raise BackendUnavailable(
            f"{source.name} needs the package pye57",
            remedy="pip install 'inbox3d[scan]' on the compute host.",
        ) from None
    try:
        with pye57.E57(str(source.path)) as file:
            yield from _scans(source.name, file, account)
    except InputRejected:
        raise
    except Exception as error:  # libE57 raises its own kinds, named after what is wrong
        raise broken(
            source.name,
            f"libE57 says: {str(error).splitlines()[0] if str(error) else type(error).__name__}",
        ) from None


def _scans(name: str, file: Any, account: Account) -> Iterator[Raw]:
    headers = [file.get_header(number) for number in range(file.scan_count)]
    if not headers:
        raise broken(name, "it holds no scan")
    filled = [header for header in headers if header.point_count]
    if not filled:
        raise broken(name, "its scans hold no points")
    if any(header.point_count > MOST_POINTS for header in filled):
        raise broken(name, "a scan in it claims an impossible number of points")
    account.count("scans", len(headers), len(filled), "the others hold no points")
    pictures = len(file.root["images2D"]) if file.root.isDefined("images2D") else 0
    account.count("pictures", pictures, 0, "colours are taken from the points alone")
    for header in filled:
        yield _scan(name, file, header, account)


def _scan(name: str, file: Any, header: Any, account: Account) -> Raw:
    there = set(header.point_fields)
    place = next((fields for fields in (_PLACE, _POLAR) if there >= set(fields)), None)
    if place is None:
        raise broken(
            name, f"a scan in it has no whole places, only {', '.join(sorted(there))[:200]}"
        )
    wanted = [
        field
        for fields in (place, COLOUR, GRID, _NORMAL)
        if there >= set(fields)
        for field in fields
    ]
    states = STATES if there >= set(COLOUR) else (*STATES, *_SHINE)
    data = columns(file, header, [*wanted, *(field for field in states if field in there)])
    held = len(data[place[0]])
    account.count("points of a scan", header.point_count, held)
    points = side_by_side([data[field] for field in place])
    keep = data.get(STATES[place is _POLAR], np.zeros(held)) == 0
    pose = _pose(header, account)
    polar = place is _POLAR
    raw = Raw(name, to_xyz(points) if polar else points, pose=pose, unit="m", survey=True)
    if not keep.all():
        raw.points[~keep] = np.nan
    raw.normals = together(data, _NORMAL)
    raw.colors = colours(header, data, account)
    painted = _shades.paint(raw, _shine(data), account)
    used = set(data) - (set() if painted else set(_SHINE))
    account.lost(sorted(there - used - set(_PLACE) - set(_POLAR)))
    raw.grid = grid(data)
    if polar or raw.grid is not None or (pose is not None and not np.allclose(pose, np.eye(4))):
        # else it may be a cloud of any origin, written with a pose that says nothing
        raw.scanner = np.zeros(3)
    return raw


def _shine(data: dict[str, Any]) -> Array | None:
    """The intensity of each point, NaN where the file marks it as invalid."""
    if _SHINE[0] not in data:
        return None
    return np.where(data.get(_SHINE[1], 0) == 0, data[_SHINE[0]], np.nan)


def _pose(header: Any, account: Account) -> Array | None:
    """Pose of the scan in the file's frame; None where the file gives none. A rotation that is none
    counts as no turn, and is said."""
    if not header.has_pose():
        return None
    node = header.node["pose"]
    shift = (
        [node["translation"][axis].value() for axis in "xyz"]
        if node.isDefined("translation")
        else [0.0] * 3
    )
    turn = (
        [node["rotation"][axis].value() for axis in "wxyz"]
        if node.isDefined("rotation")
        else [1.0, 0.0, 0.0, 0.0]
    )
    length = float(np.linalg.norm(turn))
    if not np.isfinite([length, *shift]).all():
        account.remark("the pose of a scan is not made of numbers and was not used")
        return None
    if abs(length - 1) > 1e-3:
        what = (
            "is zero and counts as no rotation"
            if length < 1e-9
            else f"has the length {length:.4g} instead of 1 and was normalised"
        )
        account.remark(f"the rotation (quaternion) of a scan's pose {what}")
    pose = np.eye(4)
    pose[:3, :3] = rigid.from_quaternion(np.array(turn) / length) if length >= 1e-9 else np.eye(3)
    pose[:3, 3] = shift
    return pose


def _check(source: Source) -> None:
    """The header names the file's length; libE57 must not look for what is not there."""
    with source.path.open("rb") as stream:
        head = stream.read(48)
    if len(head) < 48 or head[:8] != b"ASTM-E57":
        raise broken(source.name, "it is no E57 file")
    said = struct.unpack_from("<Q", head, 16)[0]
    held = source.path.stat().st_size
    if said > held:
        raise broken(
            source.name, f"it looks cut off: its header says {said} bytes, the file holds {held}"
        )
