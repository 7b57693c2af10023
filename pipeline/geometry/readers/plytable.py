"""The rows of a PLY file as columns, ascii or binary, lists anywhere; used for meshes and for
points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.ply import Element, PlyHeader, Property, plural
from pipeline.formats.refusals import incomplete
from pipeline.geometry.readers.parts import damaged
from pipeline.geometry.readers.textlines import numbers

Array = NDArray[Any]


@dataclass
class Table:
    """columns: scalars by name, in the type of the header; lists: (how many, all items one after
    another) by name. Names in lower case."""

    rows: int
    columns: dict[str, Array] = field(default_factory=dict)
    lists: dict[str, tuple[Array, Array]] = field(default_factory=dict)


def tables(name: str, data: bytes, header: PlyHeader) -> tuple[dict[str, Table], int, bool]:
    """The table of each element, how many bytes (ascii: lines) follow the last of them, and whether
    rows hold more numbers than the header speaks of. InputRejected where rows are missing or too
    short."""
    return _ascii(name, data, header) if not header.order else _binary(name, data, header)


# -- ascii -------------------------------------------------------------------------------------


def _ascii(name: str, data: bytes, header: PlyHeader) -> tuple[dict[str, Table], int, bool]:
    block = data[header.length :].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
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
            table, at = _with_lists(name, letters, at, element, header.order)
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


def _with_lists(
    name: str, letters: Array, at: int, element: Element, order: str
) -> tuple[Table, int]:
    even = _even(letters, at, element, order)
    if even is not None:
        return even
    starts, end = _walk(name, letters, at, element, order)
    table = Table(element.rows)
    for each in element.properties:
        label = each.name.lower()
        if each.counter is None:
            table.columns.setdefault(label, _gathered(letters, starts, each.kind, order))
            starts = starts + int(each.kind[1])
            continue
        many = _gathered(letters, starts, each.counter, order).astype(np.int64)
        starts, size = starts + int(each.counter[1]), int(each.kind[1])
        flat = (
            np.repeat(starts - (np.cumsum(many) - many) * size, many)
            + np.arange(int(many.sum())) * size
        )
        table.lists.setdefault(label, (many, _gathered(letters, flat, each.kind, order)))
        starts = starts + many * size
    return table, end


def _gathered(letters: Array, starts: Array, kind: str, order: str) -> Array:
    size = int(kind[1])
    return (
        np.ascontiguousarray(letters[starts[:, None] + np.arange(size)])
        .view(order + kind)
        .ravel()
        .astype(kind)
    )


def _even(letters: Array, at: int, element: Element, order: str) -> tuple[Table, int] | None:
    """The table where all rows have lists of the same lengths as the first, as most files have;
    else None."""
    fields, many, here = [], [], at
    for k, each in enumerate(element.properties):
        if each.counter is None:
            fields.append((f"{k}", order + each.kind))
            here += int(each.kind[1])
            continue
        size = int(each.counter[1])
        if here + size > len(letters):
            return None
        count = int(letters[here : here + size].view(order + each.counter)[0])
        if not 0 <= count <= 4096:
            return None
        many.append((k, count))
        fields += [(f"n{k}", order + each.counter), (f"{k}", (order + each.kind, (count,)))]  # type: ignore[list-item]
        here += size + count * int(each.kind[1])
    kind = np.dtype(fields)
    end = at + kind.itemsize * element.rows
    if end > len(letters):
        return None
    rows = letters[at:end].view(kind)
    if any((rows[f"n{k}"] != count).any() for k, count in many):
        return None
    table = Table(element.rows)
    for k, each in enumerate(element.properties):
        if each.counter is None:
            table.columns.setdefault(each.name.lower(), rows[f"{k}"].astype(each.kind))
        else:
            count = dict(many)[k]
            table.lists.setdefault(
                each.name.lower(),
                (np.full(element.rows, count), rows[f"{k}"].astype(each.kind).ravel()),
            )
    return table, end


def _walk(name: str, letters: Array, at: int, element: Element, order: str) -> tuple[Array, int]:
    """Where each row begins, and where the last one ends."""
    data, starts = letters.data, np.empty(element.rows, np.int64)
    byte: Literal["little", "big"] = "little" if order == "<" else "big"
    steps = _steps(element.properties)
    size = len(letters)
    for row in range(element.rows):
        starts[row] = at
        for skip, width, item in steps:
            at += skip
            if width:
                at += width + item * int.from_bytes(data[at : at + width], byte)
        if at > size:
            raise incomplete(
                name, f"row {row + 1} of its {element.rows} {plural(element)} is not whole"
            )
    return starts, at


def _steps(properties: tuple[Property, ...]) -> list[tuple[int, int, int]]:
    """(bytes to skip, width of a count or 0, bytes of an item) for each list, and what follows the
    last."""
    steps, skip = [], 0
    for each in properties:
        if each.counter is None:
            skip += int(each.kind[1])
        else:
            steps.append((skip, int(each.counter[1]), int(each.kind[1])))
            skip = 0
    return [*steps, (skip, 0, 0)] if skip else steps
