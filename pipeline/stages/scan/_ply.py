"""PLY as a point source: ascii and binary, any columns, lists anywhere, Stanford ``range_grid``
files. Pure numpy, no native parser."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import ply, shifts, unit_words
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.stages.scan import _ply_rows, _shades, _splats
from pipeline.stages.scan._raw import Raw, from_columns, unread

_HEAD = 1 << 20  # bytes that a header may take
_MANY = 500_000  # rows with lists that are not worth a walk only to find where they end
Columns = dict[str, NDArray[Any]]


def read_header(name: str, data: bytes) -> ply.PlyHeader:
    """The header of a PLY file with vertices; InputRejected where it is none."""
    try:
        header = ply.read(data[:_HEAD])
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
    table, cells, left = (_ascii if not header.order else _binary)(source.name, data, header)
    count = header.rows("vertex")
    account.count("points", count, len(next(iter(table.values()), ())))
    if left:
        account.remark(f"{left} behind what its header speaks of and were not read")
    raw = from_columns(source.name, _splats.coloured(table, account), account)
    said = "\n".join(header.comments)
    raw.unit = unit_words.said(said.encode())
    shifts.tell(said, account)
    if cells is not None:
        raw.grid = _grid(header, cells, len(raw.points))
    _tell(header, table, _shades.of_table(raw, table, account), account)
    return [raw]


def _tell(header: ply.PlyHeader, table: Columns, used: set[str], account: Account) -> None:
    """Name what stands in the file and is no part of a pass."""
    if not _splats.are(table):
        account.lost(unread([name for name in table if name not in used]))
    lists = [
        each.name
        for element in header.elements
        if element.name == "vertex"
        for each in element.properties
        if each.counter
    ]
    others = [
        element.name
        for element in header.elements
        if element.rows and element.name not in ("vertex", "range_grid", "face")
    ]
    account.lost([*lists, *others])
    pictures = [
        text.split(None, 1)[1]
        for text in header.comments
        if text.lower().startswith("texturefile ")
    ]
    account.lost(pictures, "a pass takes its colours from its points alone")


def _ascii(name: str, data: bytes, header: ply.PlyHeader) -> tuple[Columns, list[int] | None, str]:
    lines = (line for line in data[header.length :].splitlines() if line.strip())
    table: Columns = {}
    cells: list[int] | None = None
    for element in header.elements:
        rows = list(islice(lines, element.rows))
        if element.name == "vertex":
            if len(rows) < element.rows:
                raise cut_off(name, element.rows, len(rows))
            table = _ply_rows.of_text(name, element, rows)
        elif element.name == "range_grid":
            counts = [line.split() for line in rows]
            cells = [
                int(words[1]) if len(words) > 1 and words[0] != b"0" and words[1].isdigit() else -1
                for words in counts
            ]
    return table, cells, _many("lines stand", lines)


def _many(what: str, lines: Iterator[bytes]) -> str:
    left = sum(1 for _ in lines)
    return f"{left} {what}" if left else ""


def _binary(name: str, data: bytes, header: ply.PlyHeader) -> tuple[Columns, list[int] | None, str]:
    at = header.length
    table: Columns = {}
    cells: list[int] | None = None
    for element in header.elements:
        if table and element.name != "range_grid" and element.has_lists and element.rows > _MANY:
            return table, cells, ""
        rows, at = _ply_rows.of_bytes(
            data, at, element, header.order, wanted=element.name in ("vertex", "range_grid")
        )
        if element.name == "vertex":
            held = len(next(iter(rows.values()), ()))
            if held < element.rows:
                raise cut_off(name, element.rows, held)
            table = rows
        elif element.name == "range_grid" and element.properties:
            cells = rows[element.properties[0].name.lower()].tolist()
        elif not table and at >= len(data):
            raise cut_off(name, header.rows("vertex"), 0)
    left = len(data) - at
    # a line end at the end of a file is no matter
    return table, cells, f"{left} bytes stand" if left > 1 and at >= 0 else ""


def _grid(header: ply.PlyHeader, cells: list[int], points: int) -> NDArray[np.int32] | None:
    """Row and column (N,2) of each point in the scanner's grid; None where the grid does not name
    every point once."""
    said = header.info.get("num_cols", "")
    columns = int(said) if said.isdigit() else 0
    index = np.asarray(cells, np.int64)
    used = np.flatnonzero(index >= 0)
    if (
        columns < 2
        or len(used) != points
        or not np.array_equal(np.sort(index[used]), np.arange(points))
    ):
        return None
    grid = np.zeros((points, 2), np.int32)
    grid[index[used]] = np.stack([used // columns, used % columns], axis=1)
    return grid
