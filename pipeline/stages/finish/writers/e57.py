"""E57 by libE57 (pye57): every pass is a scan with its pose; metres, doubles, nothing thinned."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FormatUnavailable, ReadBackFailed
from pipeline.geometry.rigid import Array

_BLOCK = 1_000_000  # rows that are written at once
_PLACE = ("cartesianX", "cartesianY", "cartesianZ")
_COLOUR = ("colorRed", "colorGreen", "colorBlue")


@dataclass(frozen=True)
class Station:
    """One scan: points (N,3) and, where it has them, colors (N,3) uint8, in the frame of ``pose``
    (4,4), whose origin is the scanner; pose None: in the file's frame, the scanner is not known."""

    name: str
    points: Array
    colors: NDArray[np.uint8] | None
    pose: Array | None


def write(stations: Iterable[Station], path: Path) -> None:
    """Write the scans, in metres, to PATH, and count them back. The same scans give the same bytes:
    identifiers are made from what they hold, and no date is written. Raises FormatUnavailable
    without pye57, ReadBackFailed when the file does not hold what was written."""
    try:
        import pye57
        from pye57 import libe57
    except ImportError:
        raise FormatUnavailable(
            "cloud.e57 needs the package pye57, and it is not installed on this host",
            remedy="pip install 'inbox3d[scan]' on the compute host, or leave out cloud=e57.",
        ) from None
    counts, digests = [], hashlib.sha256()
    image = libe57.ImageFile(str(path), mode="w")  # pye57's own writer makes identifiers at random
    scans = _head(image)
    for station in stations:
        digests.update(_written(image, scans, station))
        counts.append(len(station.points))
    image.root().set("guid", _guid(image, digests.digest()))
    image.close()
    with pye57.E57(str(path)) as file:
        held = [file.get_header(number).point_count for number in range(file.scan_count)]
    if held != counts:
        raise ReadBackFailed(f"{path.name} holds scans of {held} points instead of {counts}")


def _head(image: Any) -> Any:
    """What every file begins with; the list of its scans."""
    from pye57 import libe57

    root = image.root()
    image.extensionsAdd("", libe57.E57_V1_0_URI)
    root.set("formatName", libe57.StringNode(image, "ASTM E57 3D Imaging Data File"))
    root.set("versionMajor", libe57.IntegerNode(image, libe57.E57_FORMAT_MAJOR))
    root.set("versionMinor", libe57.IntegerNode(image, libe57.E57_FORMAT_MINOR))
    scans = libe57.VectorNode(image, True)
    root.set("data3D", scans)
    return scans


def _written(image: Any, scans: Any, station: Station) -> bytes:
    """One more scan; the digest of what it holds."""
    from pye57 import libe57

    scan = libe57.StructureNode(image)
    scan.set("name", libe57.StringNode(image, station.name))
    content = hashlib.sha256(station.name.encode())
    if station.pose is not None:
        scan.set("pose", _pose(image, station.pose))
        content.update(station.pose.tobytes())
    if station.colors is not None:
        ends = {"Minimum": 0, "Maximum": 255}
        limits = {f"{colour}{end}": ends[end] for colour in _COLOUR for end in ends}
        scan.set("colorLimits", _numbers(image, limits))
    low, high = station.points.min(0), station.points.max(0)
    bounds = {f"{axis}Minimum": low[k] for k, axis in enumerate("xyz")}
    bounds |= {f"{axis}Maximum": high[k] for k, axis in enumerate("xyz")}
    scan.set("cartesianBounds", _numbers(image, bounds))
    _rows(image, scans, scan, station, content)
    scan.set("guid", _guid(image, content.digest()))
    return content.digest()


def _rows(image: Any, scans: Any, scan: Any, station: Station, content: Any) -> None:
    """The points of a scan, block by block; CONTENT, a hash, learns of them."""
    from pye57 import libe57

    names = _PLACE if station.colors is None else _PLACE + _COLOUR
    row, buffers = libe57.StructureNode(image), libe57.VectorSourceDestBuffer()
    columns = np.zeros((len(names), min(_BLOCK, len(station.points))))
    for name, column in zip(names, columns, strict=True):
        whole = name in _COLOUR
        row.set(
            name, libe57.IntegerNode(image, 0, 0, 255) if whole else libe57.FloatNode(image, 0.0)
        )
        buffers.append(libe57.SourceDestBuffer(image, name, column, len(column), True, True))
    vector = libe57.CompressedVectorNode(image, row, libe57.VectorNode(image, True))
    scan.set("points", vector)
    scans.append(scan)
    writer = vector.writer(buffers)
    for at in range(0, len(station.points), _BLOCK):
        block = station.points[at : at + _BLOCK]
        columns[:3, : len(block)] = block.T
        if station.colors is not None:
            columns[3:, : len(block)] = station.colors[at : at + _BLOCK].T
        content.update(np.ascontiguousarray(columns[:, : len(block)]).tobytes())
        writer.write(len(block))
    writer.close()


def _pose(image: Any, pose: Array) -> Any:
    from pye57 import libe57
    from scipy.spatial.transform import Rotation

    x, y, z, w = Rotation.from_matrix(pose[:3, :3]).as_quat()
    node = libe57.StructureNode(image)
    node.set("rotation", _numbers(image, {"w": w, "x": x, "y": y, "z": z}))
    node.set("translation", _numbers(image, dict(zip("xyz", pose[:3, 3], strict=True))))
    return node


def _numbers(image: Any, values: dict[str, Any]) -> Any:
    from pye57 import libe57

    node = libe57.StructureNode(image)
    for name, value in values.items():
        whole = isinstance(value, int)
        kind = libe57.IntegerNode if whole else libe57.FloatNode
        node.set(name, kind(image, value if whole else float(value)))
    return node


def _guid(image: Any, digest: bytes) -> Any:
    from pye57 import libe57

    return libe57.StringNode(image, f"{{{uuid.UUID(bytes=digest[:16])}}}")
