"""Whether a PLY file is whole: as many bytes or rows as its header promises."""

from __future__ import annotations

import struct
from typing import BinaryIO

from pipeline.formats.bytes import lines, tail
from pipeline.formats.ply import Element, PlyHeader, Unsound, plural, read

LIST_LIMIT = 64 << 20  # lists of larger binary files are not walked


def complete(file: BinaryIO, size: int, head: bytes) -> str | None:
    try:
        header = read(head)
    except Unsound:
        header = None
    if header is None:
        return "its header is not complete"
    if not header.order:
        return _text(file, size, header)
    at = header.length
    for element in header.elements:
        there = (size - at) // max(element.least, 1)
        if there < element.rows:
            return _too_few(element, max(there, 0))
        end = (
            _list_end(file, at, element, header.order, size)
            if element.has_lists
            else at + element.rows * element.least
        )
        if end > size:
            return (
                f"the last of the {element.rows} {plural(element)} that its header promises are"
                " missing"
            )
        at = end
    return None


def _text(file: BinaryIO, size: int, header: PlyHeader) -> str | None:
    rows = sum(element.rows for element in header.elements)
    there = lines(file, header.length, size, rows)
    for element in header.elements:
        if there < element.rows:
            return _too_few(element, there)
        there -= element.rows
    filled = [element for element in header.elements if element.rows]
    last = tail(file, size).replace(b"\r", b"\n").split(b"\n")[-1].split()
    return (
        "its last line is not complete"
        if filled and last and len(last) < len(filled[-1].properties)
        else None
    )


def _list_end(file: BinaryIO, at: int, element: Element, order: str, size: int) -> int:
    """Where a binary element with lists ends; more than SIZE if it is cut off; the least it can be
    where it is very large."""
    if size - at > LIST_LIMIT:
        return at + element.rows * element.least
    file.seek(at)
    data, here = file.read(LIST_LIMIT), 0
    sizes = [(each.least, int(each.kind[1]) if each.counter else 0) for each in element.properties]
    if (row := _like_first(data, element.rows, order, sizes)) is not None:
        return at + element.rows * row
    counters = {width: struct.Struct(order + "xBHxI"[width]) for width in (1, 2, 4)}
    for _ in range(element.rows):
        for width, item in sizes:
            if item and here + width <= len(data):
                here += item * int(counters[width].unpack_from(data, here)[0])
            here += width
        if here > len(data):
            return size + 1
    return at + here


def _like_first(data: bytes, rows: int, order: str, sizes: list[tuple[int, int]]) -> int | None:
    """Bytes of a row where the lists of all ROWS are as long as those of the first, as in a mesh of
    triangles; None where they are not, or DATA holds fewer."""
    row, places = 0, list[int]()
    for width, item in sizes:
        counter = data[row : row + width] if item else b""
        places += range(row, row + len(counter))
        row += width + item * int.from_bytes(counter, "little" if order == "<" else "big")
    if len(data) < rows * row:
        return None
    alike = all(data[at : rows * row : row] == data[at : at + 1] * rows for at in places)
    return row if alike else None


def _too_few(element: Element, there: int) -> str:
    return f"its header promises {element.rows} {plural(element)}, {there} are there"
