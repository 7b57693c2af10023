"""Binary PLY elements with lists in their rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.ply import Element, Property, plural
from pipeline.formats.refusals import incomplete

Array = NDArray[Any]


@dataclass
class Table:
    """columns: scalars by name, in the type of the header; lists: (how many, all items one after
    another) by name. Names in lower case."""

    rows: int
    columns: dict[str, Array] = field(default_factory=dict)
    lists: dict[str, tuple[Array, Array]] = field(default_factory=dict)


def with_lists(
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
