"""Scan files as other programs write them, made from arrays."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np

LETTERS = {
    "i1": "char",
    "u1": "uchar",
    "i2": "short",
    "u2": "ushort",
    "i4": "int",
    "u4": "uint",
    "f4": "float",
    "f8": "double",
}


def binary_ply(
    columns: list[tuple[str, str, np.ndarray]],
    order: str = "<",
    end: bytes = b"\n",
    tail: bytes = b"",
    extra: str = "",
) -> bytes:
    """COLUMNS are (name, kind, values); EXTRA stands in the header behind the vertices, TAIL behind their rows."""
    rows = np.zeros(
        len(columns[0][2]), np.dtype([(name, order + kind) for name, kind, _ in columns])
    )
    for name, _, values in columns:
        rows[name] = values
    form = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    head = [
        "ply",
        f"format {form} 1.0",
        f"element vertex {len(rows)}",
        *(f"property {LETTERS[kind]} {name}" for name, kind, _ in columns),
    ]
    head += [*extra.splitlines(), "end_header"]
    return end.join(line.encode() for line in head) + end + rows.tobytes() + tail


def xyz(points: np.ndarray, kind: str = "f8") -> list[tuple[str, str, np.ndarray]]:
    return [(axis, kind, points[:, k]) for k, axis in enumerate("xyz")]


def pcd(
    fields: list[tuple[str, str, np.ndarray]], mode: str, width: int = 0, head: str = ""
) -> bytes:
    """FIELDS are (name, kind, values); mode ascii, binary or binary_compressed (literals only)."""
    count = len(fields[0][2])
    wide = width or count
    kinds = {"f": "F", "u": "U", "i": "I"}
    lines = ["# .PCD v0.7", "VERSION 0.7", "FIELDS " + " ".join(name for name, _, _ in fields)]
    lines += [
        "SIZE " + " ".join(kind[1] for _, kind, _ in fields),
        "TYPE " + " ".join(kinds[kind[0]] for _, kind, _ in fields),
    ]
    lines += [
        "COUNT " + " ".join("1" for _ in fields),
        f"WIDTH {wide}",
        f"HEIGHT {count // wide}",
        head or "VIEWPOINT 0 0 0 1 0 0 0",
    ]
    lines += [f"POINTS {count}", f"DATA {mode}", ""]
    start = "\n".join(lines).encode()
    if mode == "ascii":
        rows = zip(*(np.asarray(values, kind) for _, kind, values in fields), strict=True)
        return (
            start
            + "\n".join(" ".join(str(value) for value in row) for row in rows).encode()
            + b"\n"
        )
    if mode == "binary":
        table = np.zeros(
            count, np.dtype([(f"{k}", "<" + kind) for k, (_, kind, _) in enumerate(fields)])
        )
        for k, (_, _, values) in enumerate(fields):
            table[f"{k}"] = values
        return start + table.tobytes()
    plain = b"".join(np.asarray(values, "<" + kind).tobytes() for _, kind, values in fields)
    packed = b"".join(
        bytes([len(plain[at : at + 32]) - 1]) + plain[at : at + 32]
        for at in range(0, len(plain), 32)
    )
    return start + struct.pack("<II", len(packed), len(plain)) + packed


def las(
    points: np.ndarray,
    colours: np.ndarray | None = None,
    wkt: str = "",
    keys: dict[int, int] | None = None,
    **flags: Any,
) -> bytes:
    """A LAS file; its coordinate system as well-known text or as GeoTIFF KEYS."""
    import laspy

    header = laspy.LasHeader(point_format=2, version="1.2")
    header.scales, header.offsets = np.full(3, 0.0001), np.floor(points.min(axis=0))
    if wkt:
        header.vlrs.append(laspy.VLR("LASF_Projection", 2112, record_data=wkt.encode() + b"\0"))
    if keys:
        words = [
            1,
            1,
            0,
            len(keys),
            *(word for key, value in sorted(keys.items()) for word in (key, 0, 1, value)),
        ]
        header.vlrs.append(
            laspy.VLR("LASF_Projection", 34735, record_data=struct.pack(f"<{len(words)}H", *words))
        )
    held = laspy.LasData(header)
    held.x, held.y, held.z = points.T
    if colours is not None:
        held.red, held.green, held.blue = colours.T
    for name, values in flags.items():
        setattr(held, name, values)
    out = io.BytesIO()
    held.write(out)
    return out.getvalue()


def e57(path: Path, scans: list[dict[str, Any]]) -> bytes:
    """An E57 file. A scan is {field: values} with, beside the fields, "pose" = (quaternion w x y z, shift), written in the order given
    by "order" (default "wxyz")."""
    import pye57
    from pye57 import libe57

    with pye57.E57(str(path), mode="w") as file:
        image = file.image_file
        for scan in scans:
            node = libe57.StructureNode(image)
            node.set("guid", libe57.StringNode(image, "{0}"))
            if "pose" in scan:
                _set_pose(image, node, *scan["pose"], scan.get("order", "wxyz"))
            names = [name for name in scan if name not in ("pose", "order")]
            prototype, buffers, kept = (
                libe57.StructureNode(image),
                libe57.VectorSourceDestBuffer(),
                [],
            )
            for name in names:
                values = np.ascontiguousarray(scan[name])
                whole = values.dtype.kind in "iu"
                values = values.astype(
                    np.longlong if whole else np.float64
                )  # libE57 takes numpy's "l" for 32 bits
                kept.append(values)
                least, most = (
                    (int(values.min(initial=0)), int(values.max(initial=1))) if whole else (0, 0)
                )
                prototype.set(
                    name,
                    libe57.IntegerNode(image, least, least, most)
                    if whole
                    else libe57.FloatNode(image, 0.0),
                )
                buffers.append(
                    libe57.SourceDestBuffer(image, name, values, len(values), True, True)
                )
            points = libe57.CompressedVectorNode(image, prototype, libe57.VectorNode(image, True))
            node.set("points", points)
            file.data3d.append(node)
            writer = points.writer(buffers)
            writer.write(len(kept[0]))
            writer.close()
    return path.read_bytes()


def _set_pose(
    image: Any, node: Any, turn: tuple[float, ...], shift: tuple[float, ...], order: str
) -> None:
    from pye57 import libe57

    pose, rotation, translation = (libe57.StructureNode(image) for _ in range(3))
    node.set("pose", pose)
    values = dict(zip("wxyz", turn, strict=True))
    for axis in order:
        rotation.set(axis, libe57.FloatNode(image, float(values[axis])))
    for axis, value in zip("xyz", shift, strict=True):
        translation.set(axis, libe57.FloatNode(image, float(value)))
    pose.set("rotation", rotation)
    pose.set("translation", translation)
