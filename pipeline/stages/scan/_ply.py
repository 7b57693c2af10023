"""PLY as a point source: ascii and binary, any columns, Stanford ``range_grid`` files. Pure numpy, no native parser."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import ply
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.stages.scan._raw import Raw, from_columns, odd_row


def read_header(name: str, data: bytes) -> ply.PlyHeader:
    """The header of a PLY file with vertices; InputRejected where it is none."""
    try:
        header = ply.read(data[: 1 << 16])
    except ply.Unsound as fault:
        raise broken(name, str(fault)) from None
    if header is None:
        raise broken(name, "it is no PLY file (no PLY header)")
    if not any(element.name == "vertex" for element in header.elements):
        raise broken(name, "its header names no vertices")
    return header


def read(source: Source, account: Account) -> list[Raw]:
    """The vertices of a PLY file as one pass; a range_grid becomes row and column of each point."""
    data = source.path.read_bytes()
    header = read_header(source.name, data)
    return [_ascii(source.name, data, header) if not header.order else _binary(source.name, data, header)]


def _ascii(name: str, data: bytes, header: ply.PlyHeader) -> Raw:
    lines_of = iter(data[header.length :].splitlines())
    raw: Raw | None = None
    for element in header.elements:
        lines = [line for line in islice(lines_of, element.rows) if line.strip()]
        if element.name == "vertex":
            raw = from_columns(name, _table(name, element, lines))
        elif element.name == "range_grid" and raw is not None:
            counts = [line.split() for line in lines]
            raw.grid = _grid(header, [int(words[1]) if len(words) > 1 and words[0] != b"0" else -1 for words in counts], len(raw.points))
    assert raw is not None
    return raw


def _fields(element: ply.Element) -> list[tuple[str, str]]:
    return [(each.name.lower(), each.kind) for each in element.properties]


def _table(name: str, element: ply.Element, lines: list[bytes]) -> dict[str, NDArray[Any]]:
    if element.has_lists:
        raise broken(name, f"its {element.name} rows have lists of unknown length")
    wanted = len(element.properties)
    if len(lines) < element.rows or (lines and len(lines[-1].split()) < wanted):
        raise cut_off(name, element.rows, max(0, len(lines) - 1))
    try:
        values = np.loadtxt(lines, ndmin=2, usecols=range(wanted)) if lines else np.zeros((0, wanted))
    except ValueError:
        raise odd_row(name, lines, wanted) from None
    return {label: values[:, k].astype(kind) if kind == "u1" else values[:, k] for k, (label, kind) in enumerate(_fields(element))}


def _binary(name: str, data: bytes, header: ply.PlyHeader) -> Raw:
    at, raw = header.length, None
    for element in header.elements:
        if element.has_lists:
            if element.name == "range_grid" and raw is not None and len(element.properties) == 1:
                rows, at = _lists(data, at, element, header.order)
                raw.grid = _grid(header, rows, len(raw.points))
                continue
            if element.name == "vertex" or raw is None:
                raise broken(name, f"its {element.name} rows have lists of unknown length")
            break
        kind = np.dtype([(label, header.order + code) for label, code in _fields(element)])
        size = kind.itemsize * element.rows
        if element.name == "vertex":
            if at + size > len(data):
                raise cut_off(name, element.rows, max(0, len(data) - at) // max(1, kind.itemsize))
            rows_read = np.frombuffer(data, kind, element.rows, at)
            raw = from_columns(name, {label: rows_read[label] for label, _ in _fields(element)})
        at += size
    assert raw is not None
    return raw


def _lists(data: bytes, at: int, element: ply.Element, order: str) -> tuple[list[int], int]:
    """First item of each list, -1 for an empty one; stops early, without error, where the bytes end."""
    length, item = (np.dtype(order + str(code)) for code in (element.properties[0].counter, element.properties[0].kind))
    rows: list[int] = []
    for _ in range(element.rows):
        if at + length.itemsize > len(data):
            break
        many = int(np.frombuffer(data, length, 1, at)[0])
        at += length.itemsize
        rows.append(int(np.frombuffer(data, item, 1, at)[0]) if many > 0 and at + item.itemsize <= len(data) else -1)
        at += many * item.itemsize
    return rows, at


def _grid(header: ply.PlyHeader, cells: list[int], points: int) -> NDArray[np.int32] | None:
    """Row and column (N,2) of each point in the scanner's grid; None where the grid does not name every point once."""
    said = header.info.get("num_cols", "")
    columns = int(said) if said.isdigit() else 0
    index = np.asarray(cells, np.int64)
    used = np.flatnonzero(index >= 0)
    if columns < 2 or len(used) != points or not np.array_equal(np.sort(index[used]), np.arange(points)):
        return None
    grid = np.zeros((points, 2), np.int32)
    grid[index[used]] = np.stack([used // columns, used % columns], axis=1)
    return grid
