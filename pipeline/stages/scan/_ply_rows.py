"""Rows of one PLY element → its scalar columns. A list's column holds its first item, -1 where it
is empty."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import dialect
from pipeline.formats.ply import Element, Property
from pipeline.formats.refusals import cut_off
from pipeline.stages.scan._raw import odd_row

Columns = dict[str, NDArray[Any]]
_NUMBER = dialect.Dialect(decimal="")


def of_text(name: str, element: Element, lines: list[bytes]) -> Columns:
    """Scalar columns of an ascii element, in the types that the header gives them; InputRejected
    names a row that is none."""
    scalars = [each for each in element.properties if not each.counter]
    if not lines:
        return {each.name.lower(): np.zeros(0, each.kind) for each in scalars}
    wanted = len(element.properties)
    if len(lines[-1].split()) < wanted:
        raise cut_off(name, element.rows, len(lines) - 1)
    if element.has_lists:
        values = np.asarray(
            [_picked(name, lines, row, element) for row in range(len(lines))], np.float64
        ).reshape(len(lines), -1)
    else:
        values = _numbers(name, lines, wanted)
    return {each.name.lower(): _typed(values[:, at], each.kind) for at, each in enumerate(scalars)}


def _numbers(name: str, lines: list[bytes], wanted: int) -> NDArray[np.float64]:
    try:
        return np.loadtxt(lines, ndmin=2, usecols=range(wanted), comments=None)
    except ValueError:
        rows = [_row(line.split()[:wanted]) for line in lines]
    if any(len(row) != wanted or None in row for row in rows):
        raise odd_row(name, lines, wanted)
    return np.asarray(rows, np.float64)


def _row(words: list[bytes]) -> list[float | None]:
    return [dialect.number(word.decode("latin-1"), _NUMBER) for word in words]


def _picked(name: str, lines: list[bytes], row: int, element: Element) -> list[float]:
    """The scalars of one row, lists stepped over."""
    words, at, found = lines[row].split(), 0, list[float]()
    try:
        for each in element.properties:
            if each.counter:
                at += 1 + int(words[at])
            else:
                found += [value for value in _row([words[at]]) if value is not None]
                at += 1
    except (ValueError, IndexError):
        found = []
    if len(found) != sum(not each.counter for each in element.properties) or at > len(words):
        raise odd_row(name, lines[row : row + 1], len(element.properties), row)
    return found


def _typed(values: NDArray[np.float64], kind: str) -> NDArray[Any]:
    """VALUES in the type that the header names, where they fit it."""
    whole = np.dtype(kind)
    if whole.kind not in "iu" or not np.isfinite(values).all():
        return values
    limits = np.iinfo(whole)
    fits = len(values) == 0 or (
        limits.min <= values.min()
        and values.max() <= limits.max
        and (values == np.rint(values)).all()
    )
    return values.astype(whole) if fits else values


def of_bytes(
    data: bytes, at: int, element: Element, order: str, wanted: bool
) -> tuple[Columns, int]:
    """Columns of a binary element that begins at byte AT, as far as whole rows are there, and where
    it ends; -1 where that is unknown."""
    row = _like_the_first(data, at, element, order)
    there = max(len(data) - at, 0) // max(row.itemsize, 1)
    rows = (
        np.frombuffer(data, row, min(element.rows, there), at)
        if at <= len(data) and row.itemsize
        else np.zeros(0, row)
    )
    if not _all_alike(rows, element):
        return _row_by_row(data, at, element, order, wanted)
    table = (
        {
            each.name.lower(): _column(rows, number, each)
            for number, each in enumerate(element.properties)
        }
        if wanted
        else {}
    )
    return table, at + element.rows * row.itemsize


def _like_the_first(data: bytes, at: int, element: Element, order: str) -> np.dtype[Any]:
    """The row if every list is as long as in the first row."""
    fields: list[Any] = []
    for number, each in enumerate(element.properties):
        if each.counter:
            size = int(each.counter[1])
            raw = data[at : at + size] if element.rows else b""
            many = int(np.frombuffer(raw, order + each.counter)[0]) if len(raw) == size else 0
            many = many if 0 <= many <= 1 << 16 else 0
            fields += [
                (f"n{number}", order + each.counter),
                (f"v{number}", order + each.kind, (many,)),
            ]
            at += size + many * int(each.kind[1])
        else:
            fields.append((f"v{number}", order + each.kind))
            at += int(each.kind[1])
    return np.dtype(fields)


def _all_alike(rows: NDArray[Any], element: Element) -> bool:
    lists = [number for number, each in enumerate(element.properties) if each.counter]
    return all(
        bool((rows[f"n{number}"] == rows.dtype[f"v{number}"].shape[0]).all()) for number in lists
    )


def _column(rows: NDArray[Any], number: int, each: Property) -> NDArray[Any]:
    values = rows[f"v{number}"]
    if not each.counter:
        return np.asarray(values)
    return np.asarray(values[:, 0].astype(np.int64) if values.shape[1] else np.full(len(rows), -1))


def _row_by_row(
    data: bytes, at: int, element: Element, order: str, wanted: bool
) -> tuple[Columns, int]:
    steps = [
        (_struct(order, each.counter) if each.counter else None, _struct(order, each.kind))
        for each in element.properties
    ]
    rows: list[list[float]] = []
    for _ in range(element.rows):
        row: list[float] = []
        for counter, item in steps:
            many = 1
            if counter:
                many = (
                    max(int(counter.unpack_from(data, at)[0]), 0)
                    if at + counter.size <= len(data)
                    else len(data)
                )
                at += counter.size
            if at + many * item.size > len(data):
                return _as_columns(rows, element), -1
            row.append(item.unpack_from(data, at)[0] if many else -1)
            at += many * item.size
        if wanted:
            rows.append(row)
    return _as_columns(rows, element), at


def _as_columns(rows: list[list[float]], element: Element) -> Columns:
    columns = list(zip(*rows, strict=True)) or [()] * len(element.properties)
    kinds = [
        (each.name.lower(), "i8" if each.counter else each.kind) for each in element.properties
    ]
    return {
        name: np.asarray(column).astype(kind)
        for (name, kind), column in zip(kinds, columns, strict=True)
    }


def _struct(order: str, kind: str) -> struct.Struct:
    letters = {
        "i1": "b",
        "u1": "B",
        "i2": "h",
        "u2": "H",
        "i4": "i",
        "u4": "I",
        "f4": "f",
        "f8": "d",
    }
    return struct.Struct(order + letters[kind])
