"""E57 by pye57: every scan in the file is a pass, with its pose; the scanner stands at the scan's own origin."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from pipeline.errors import BackendUnavailable, InputRejected
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._raw import Raw, to_colors


def read(source: Source, account: Account) -> list[Raw]:
    """Passes in metres. Raises InputRejected for a damaged page, an empty scan or a file cut short."""
    _check(source)
    try:
        import pye57
    except ImportError:
        raise BackendUnavailable(
            f"{source.name} needs the package pye57", remedy="pip install 'inbox3d[scan]' on the compute host."
        ) from None
    try:
        file = pye57.E57(str(source.path))
        many = file.scan_count
        found = [_scan(source.name, file, k) for k in range(many)]
    except InputRejected:
        raise
    except Exception as error:  # libE57 raises its own kinds, named after what is wrong
        raise broken(source.name, f"libE57 says: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from None
    if not found:
        raise broken(source.name, "it holds no scan")
    return found


def _scan(name: str, file: Any, number: int) -> Raw:
    header = file.get_header(number)
    if not header.point_count:
        raise broken(name, f"scan {number} in it holds no points")
    fields = set(header.point_fields)
    wanted = {"colorRed", "colorGreen", "colorBlue"} <= fields
    data = file.read_scan(number, transform=False, colors=wanted, ignore_missing_fields=True, intensity=False)
    points = np.stack([data["cartesianX"], data["cartesianY"], data["cartesianZ"]], axis=1).astype(np.float64)
    colors = (
        to_colors(np.stack([data["colorRed"], data["colorGreen"], data["colorBlue"]], axis=1)) if wanted and "colorRed" in data else None
    )
    pose = _pose(header)
    return Raw(name, points, colors=colors, scanner=np.zeros(3) if pose is not None else None, pose=pose, unit="m")


def _pose(header: Any) -> Array | None:
    """Pose of the scan in the file's frame; None where the file gives none."""
    if not header.has_pose():
        return None
    pose = np.eye(4)
    pose[:3, :3] = header.rotation_matrix
    pose[:3, 3] = header.translation
    return pose if rigid.is_rigid(pose) else None


def _check(source: Source) -> None:
    """The header names the file's length; libE57 must not look for what is not there."""
    with source.path.open("rb") as stream:
        head = stream.read(48)
    if len(head) < 48 or head[:8] != b"ASTM-E57":
        raise broken(source.name, "it is no E57 file")
    said = struct.unpack_from("<Q", head, 16)[0]
    held = source.path.stat().st_size
    if said > held:
        raise broken(source.name, f"it looks cut off: its header says {said} bytes, the file holds {held}")
