"""PCD (ascii, binary, binary_compressed). Rows are checked against the header; only the compressed body goes to Open3D."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.stages.scan._raw import MOST_POINTS, Raw, from_columns, odd_row, to_colors

_KINDS = {"F": "f", "U": "u", "I": "i"}


def read(source: Source, account: Account) -> list[Raw]:
    """The points of a PCD file as one pass; an organised cloud (HEIGHT > 1) keeps row and column."""
    data = source.path.read_bytes()
    header, start = _header(source.name, data)
    count = int(header["points"][0])
    mode = header["data"][0]
    if mode == "binary_compressed":
        raw = _compressed(source, data, start, count)
    else:
        rows = _ascii(source.name, header, data[start:], count) if mode == "ascii" else _binary(source.name, header, data, start, count)
        packed = rows.pop("rgb", rows.pop("rgba", None))
        raw = from_columns(source.name, rows)
        raw.colors = raw.colors if packed is None else _unpack(packed)
    height, width = int(header.get("height", ["1"])[0]), int(header["width"][0])
    if height > 1 and height * width == len(raw.points):
        raw.grid = np.stack(np.divmod(np.arange(len(raw.points), dtype=np.int32), width), axis=1).astype(np.int32)
    view = [float(x) for x in header.get("viewpoint", [])[:3]]
    if len(view) == 3 and any(view):  # 0 0 0 is what programs write that know nothing
        raw.scanner = np.array(view)
    return [raw]


def _header(name: str, data: bytes) -> tuple[dict[str, list[str]], int]:
    header: dict[str, list[str]] = {}
    at = 0
    while "data" not in header:
        end = data.find(b"\n", at, at + 65536)
        if end < 0:
            raise broken(name, "it is no PCD file (no DATA line)")
        words = data[at:end].decode("latin-1").split()
        at = end + 1
        if words and not words[0].startswith("#"):
            header[words[0].lower()] = words[1:]
    try:
        names, sizes, kinds = header["fields"], [int(x) for x in header["size"]], header["type"]
        counts = [int(x) for x in header.get("count", ["1"] * len(names))]
        header.setdefault("points", [str(int(header["width"][0]) * int(header.get("height", ["1"])[0]))])
        fine = len(names) == len(sizes) == len(kinds) == len(counts) and set(kinds) <= set(_KINDS) and set(sizes) <= {1, 2, 4, 8}
        fine = fine and 0 <= int(header["points"][0]) <= MOST_POINTS and all(0 < n <= 10_000 for n in counts)
    except (KeyError, ValueError, IndexError):
        fine = False
    if not fine or header["data"][:1] not in (["ascii"], ["binary"], ["binary_compressed"]):
        raise broken(name, "its PCD header is not complete")
    header["count"] = [str(n) for n in counts]
    return header, at


def _row(header: dict[str, list[str]]) -> np.dtype[Any]:
    described = zip(header["fields"], header["size"], header["type"], header["count"], strict=True)
    return np.dtype([(f"{k} {label.lower()}", f"<{_KINDS[kind]}{size}", (int(n),)) for k, (label, size, kind, n) in enumerate(described)])


def _binary(name: str, header: dict[str, list[str]], data: bytes, start: int, count: int) -> dict[str, NDArray[Any]]:
    row = _row(header)
    if start + row.itemsize * count > len(data):
        raise cut_off(name, count, max(0, len(data) - start) // max(1, row.itemsize))
    rows = np.frombuffer(data, row, count, start)
    return {label.split(" ", 1)[1]: rows[label][:, 0] for label in row.names or ()}


def _ascii(name: str, header: dict[str, list[str]], body: bytes, count: int) -> dict[str, NDArray[Any]]:
    row = _row(header)
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < count:
        raise cut_off(name, count, len(lines))
    at, table = 0, {}
    try:
        values = np.loadtxt(lines[:count], ndmin=2) if count else np.zeros((0, sum(int(n) for n in header["count"])))
        for label, many in zip(row.names or (), header["count"], strict=True):
            kind = row[label].base if label.endswith(("rgb", "rgba")) and row[label].base.kind == "u" else np.dtype("f8")
            table[label.split(" ", 1)[1]] = values[:, at].astype(kind)
            at += int(many)
    except (ValueError, IndexError):
        raise odd_row(name, lines[:count], sum(int(n) for n in header["count"])) from None
    return table


def _unpack(packed: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours (N,3) from 0x00RRGGBB, stored as an integer or as a float of the same bits."""
    bits = packed.astype(np.float32).view(np.uint32) if packed.dtype.kind == "f" else packed.astype(np.uint32)
    return np.stack([(bits >> 16) & 255, (bits >> 8) & 255, bits & 255], axis=1).astype(np.uint8)


def _compressed(source: Source, data: bytes, start: int, count: int) -> Raw:
    import open3d as o3d

    if start + 8 > len(data):
        raise cut_off(source.name, count, 0)
    packed, plain = np.frombuffer(data, "<u4", 2, start)
    if start + 8 + int(packed) > len(data):
        raise cut_off(source.name, count, int(count * (len(data) - start - 8) / max(1, int(packed))))
    if plain > 64 * max(1, int(packed)) + 1024 * 1024:
        raise broken(source.name, "its compressed part claims an impossible size")
    cloud = o3d.io.read_point_cloud(str(source.path), format="pcd", remove_nan_points=False, remove_infinite_points=False)
    if len(cloud.points) != count:
        raise cut_off(source.name, count, len(cloud.points))
    colors = to_colors(np.asarray(cloud.colors)) if cloud.has_colors() else None
    return Raw(source.name, np.array(cloud.points), np.array(cloud.normals) if cloud.has_normals() else None, colors)
