"""PLY as a point source: ascii and binary, any columns, Stanford ``range_grid`` files. Pure numpy, no native parser."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.scan._raw import MOST_POINTS, Raw, Source, broken, cut_off, from_columns, odd_row

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip


@dataclass
class _Element:
    name: str
    count: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    lists: list[tuple[str, str]] = field(default_factory=list)  # types of length and item


@dataclass
class Header:
    """What stands before end_header. order: "" for ascii, else numpy's byte-order sign; start: first byte of the body."""

    order: str
    elements: list[_Element]
    info: dict[str, str]
    start: int

    def count(self, name: str) -> int:
        return next((element.count for element in self.elements if element.name == name), 0)


def read_header(name: str, data: bytes) -> Header:
    """Parse and check a PLY header; InputRejected where it is none."""
    end = data.find(b"end_header", 0, 1 << 16)
    if not data.startswith(b"ply") or end < 0:
        raise broken(name, "it is no PLY file (no PLY header)")
    newline = data.find(b"\n", end)
    start = newline + 1 if newline >= 0 else len(data)
    order, elements, info = "", [], {}
    for line in data[:end].decode("latin-1").splitlines():
        words = line.split()
        match words:
            case ["format", kind, *_]:
                order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}.get(kind, "?")
            case ["obj_info", key, value, *_]:
                info[key] = value
            case ["element", kind, count] if count.isdigit() and int(count) <= MOST_POINTS:
                elements.append(_Element(kind, int(count)))
            case ["element", *_]:
                raise broken(name, f"its header has the line {line[:80]!r}")
            case ["property", "list", length, item, _] if elements and length in _TYPES and item in _TYPES:
                elements[-1].lists.append((_TYPES[length], _TYPES[item]))
            case ["property", kind, label] if elements and kind in _TYPES:
                elements[-1].fields.append((label.lower(), _TYPES[kind]))
            case ["property", *_]:
                raise broken(name, f"its header has the line {line[:80]!r}")
    if order == "?" or not any(element.name == "vertex" for element in elements):
        raise broken(name, "its header names no vertices")
    return Header(order, elements, info, start)


def read(source: Source) -> list[Raw]:
    """The vertices of a PLY file as one pass; a range_grid becomes row and column of each point."""
    data = source.path.read_bytes()
    header = read_header(source.name, data)
    return [_ascii(source.name, data, header) if not header.order else _binary(source.name, data, header)]


def _ascii(name: str, data: bytes, header: Header) -> Raw:
    stream = io.BytesIO(data)
    stream.seek(header.start)
    raw: Raw | None = None
    for element in header.elements:
        lines = [line for line in (stream.readline() for _ in range(element.count)) if line.strip()]
        if element.name == "vertex":
            raw = from_columns(name, _table(name, element, lines))
        elif element.name == "range_grid" and raw is not None:
            counts = [line.split() for line in lines]
            raw.grid = _grid(header, [int(words[1]) if len(words) > 1 and words[0] != b"0" else -1 for words in counts], len(raw.points))
    assert raw is not None
    return raw


def _table(name: str, element: _Element, lines: list[bytes]) -> dict[str, NDArray[Any]]:
    wanted = len(element.fields)
    if len(lines) < element.count or (lines and len(lines[-1].split()) < wanted):
        raise cut_off(name, element.count, max(0, len(lines) - 1))
    try:
        values = np.loadtxt(lines, ndmin=2, usecols=range(wanted)) if lines else np.zeros((0, wanted))
    except ValueError:
        raise odd_row(name, lines, wanted) from None
    return {label: values[:, k].astype(kind) if kind == "u1" else values[:, k] for k, (label, kind) in enumerate(element.fields)}


def _binary(name: str, data: bytes, header: Header) -> Raw:
    at, raw = header.start, None
    for element in header.elements:
        if element.lists:
            if element.name == "range_grid" and raw is not None and not element.fields and len(element.lists) == 1:
                rows, at = _lists(data, at, element, header.order)
                raw.grid = _grid(header, rows, len(raw.points))
                continue
            if element.name == "vertex" or raw is None:
                raise broken(name, f"its {element.name} rows have lists of unknown length")
            break
        kind = np.dtype([(label, header.order + code) for label, code in element.fields])
        size = kind.itemsize * element.count
        if element.name == "vertex":
            if at + size > len(data):
                raise cut_off(name, element.count, max(0, len(data) - at) // max(1, kind.itemsize))
            rows_read = np.frombuffer(data, kind, element.count, at)
            raw = from_columns(name, {label: rows_read[label] for label, _ in element.fields})
        at += size
    assert raw is not None
    return raw


def _lists(data: bytes, at: int, element: _Element, order: str) -> tuple[list[int], int]:
    """First item of each list, -1 for an empty one; stops early, without error, where the bytes end."""
    length, item = (np.dtype(order + code) for code in element.lists[0])
    rows: list[int] = []
    for _ in range(element.count):
        if at + length.itemsize > len(data):
            break
        many = int(np.frombuffer(data, length, 1, at)[0])
        at += length.itemsize
        rows.append(int(np.frombuffer(data, item, 1, at)[0]) if many > 0 and at + item.itemsize <= len(data) else -1)
        at += many * item.itemsize
    return rows, at


def _grid(header: Header, cells: list[int], points: int) -> NDArray[np.int32] | None:
    """Row and column (N,2) of each point in the scanner's grid; None where the grid does not name every point once."""
    columns = int(header.info.get("num_cols", "0"))
    index = np.asarray(cells, np.int64)
    used = np.flatnonzero(index >= 0)
    if columns < 2 or len(used) != points or not np.array_equal(np.sort(index[used]), np.arange(points)):
        return None
    grid = np.zeros((points, 2), np.int32)
    grid[index[used]] = np.stack([used // columns, used % columns], axis=1)
    return grid
