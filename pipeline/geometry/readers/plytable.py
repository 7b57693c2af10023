"""The rows of a PLY file as columns, ascii or binary, lists anywhere; used for meshes and for
points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.ply import Element, PlyHeader, plural
from pipeline.formats.refusals import incomplete
from pipeline.geometry.readers.parts import damaged
from pipeline.geometry.readers.plylists import Table, with_lists
from pipeline.geometry.readers.textnumbers import numbers

Array = NDArray[Any]


def tables(name: str, data: bytes, header: PlyHeader) -> tuple[dict[str, Table], int, bool]:
    """The table of each element, how many bytes (ascii: lines) follow the last of them, and whether
    rows hold more numbers than the header speaks of. InputRejected where rows are missing or too
    short."""
    return _ascii(name, data, header) if not header.order else _binary(name, data, header)


# -- ascii -------------------------------------------------------------------------------------


def _ascii(name: str, data: bytes, header: PlyHeader) -> tuple[dict[str, Table], int, bool]:
    block = data[header.length :].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    block = block.removesuffix(b"\x1a")  # DOS ended texts so
    values, counts = numbers(name, "row", block if block.endswith(b"\n") else block + b"\n")
    counts = counts[counts > 0]
    starts = np.cumsum(counts) - counts
    found: dict[str, Table] = {}
    at, extra = 0, False
    for element in header.elements:
        here = slice(at, at + element.rows if element.properties else at)
        if len(counts[here]) < element.rows and element.properties:
            raise incomplete(
                name,
                f"its header promises {element.rows} {plural(element)}, {len(counts[here])} are"
                " there",
            )
        table, used = _ascii_rows(element, values, starts[here], counts[here])
        odd = np.flatnonzero(used > counts[here])
        extra |= bool((used < counts[here]).any())
        if len(odd):
            row = int(odd[0])
            raise damaged(
                name,
                f"row {row + 1} of its {plural(element)} has {int(counts[here][row])} numbers, its"
                f" header speaks of {int(used[row])}",
            )
        found.setdefault(element.name, table)
        at = here.stop
    return found, len(counts) - at, extra


def _ascii_rows(
    element: Element, values: Array, starts: Array, counts: Array
) -> tuple[Table, Array]:
    """The table, and how many numbers of each row it took; a count that the row cannot hold takes
    as much as it says."""
    table, at = Table(element.rows), starts.copy()
    last = max(len(values) - 1, 0)
    for each in element.properties:
        column = values[np.minimum(at, last)] if len(values) else np.zeros(len(at))
        at = at + 1
        if each.counter is None:
            table.columns.setdefault(each.name.lower(), _typed(column, each.kind))
            continue
        many = np.where(np.isfinite(column) & (column >= 0), column, 1e9).astype(np.int64)
        if (at + many > starts + counts).any():
            return table, at - starts + many
        flat = np.repeat(at - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
        table.lists.setdefault(each.name.lower(), (many, values[flat]))
        at = at + many
    return table, at - starts


def _typed(column: Array, kind: str) -> Array:
    if kind[0] == "f":
        return column
    limits = np.iinfo(kind)
    typed: Array = np.clip(np.nan_to_num(column), limits.min, limits.max).astype(kind)
    return typed


# -- binary ------------------------------------------------------------------------------------


def _binary(name: str, data: bytes, header: PlyHeader) -> tuple[dict[str, Table], int, bool]:
    letters = np.frombuffer(data, np.uint8)
    found: dict[str, Table] = {}
    at = header.length
    for element in header.elements:
        if element.rows * element.least > len(data) - at:
            there = max(len(data) - at, 0) // max(element.least, 1)
            raise incomplete(
                name, f"its header promises {element.rows} {plural(element)}, {there} are there"
            )
        if element.has_lists and element.rows:
            table, at = with_lists(name, letters, at, element, header.order)
        else:
            kind = np.dtype(
                [(f"{k}", header.order + each.kind) for k, each in enumerate(element.properties)]
            )
            rows = np.frombuffer(data, kind, element.rows if kind.itemsize else 0, at)
            table = Table(element.rows)
            for k, each in enumerate(element.properties):
                table.columns.setdefault(each.name.lower(), rows[f"{k}"].astype(each.kind))
                if each.counter:
                    table.lists[each.name.lower()] = (np.zeros(0, np.int64), np.zeros(0))
            at += element.rows * kind.itemsize
        found.setdefault(element.name, table)
    return found, len(data) - at, False
