"""PLY: its header, and are all rows there that it declares?

The first line end is that of the whole header (LF, CR LF or CR alone); a line that is
``end_header`` and nothing else ends it, whatever comments say. What stands in comments and obj_info
is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

from pipeline.formats.bytes import lines, tail

LIST_LIMIT = 64 << 20  # lists of larger binary files are not walked
# and numpy's sign of the byte order
FORMS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
BOM = b"\xef\xbb\xbf"  # an editor put it there; it is no part of the header
TYPES = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}


class Unsound(ValueError):
    """A header that is there to its end and cannot be right; the message says why."""


class Property(NamedTuple):
    """kind: numpy's code of the value, or of a list's items; counter: the code of a list's length,
    None of a scalar."""

    name: str
    kind: str
    counter: str | None = None

    @property
    def least(self) -> int:
        """Fewest bytes in a binary row."""
        return int((self.counter or self.kind)[1])


class Element(NamedTuple):
    name: str
    rows: int
    properties: tuple[Property, ...]

    @property
    def has_lists(self) -> bool:
        return any(each.counter for each in self.properties)

    @property
    def least(self) -> int:
        """Fewest bytes of one binary row."""
        return sum(each.least for each in self.properties)


class PlyHeader(NamedTuple):
    """order: "" of an ascii file, else numpy's sign of the byte order; length: bytes to the first
    row; info: words of obj_info."""

    order: str
    elements: tuple[Element, ...]
    length: int
    comments: tuple[str, ...] = ()
    info: Mapping[str, str] = MappingProxyType({})

    @property
    def is_mesh(self) -> bool:
        return any(
            element.rows for element in self.elements if element.name in ("face", "tristrips")
        )

    def rows(self, name: str) -> int:
        return sum(element.rows for element in self.elements if element.name == name)


def read(head: bytes) -> PlyHeader | None:
    """The header at the beginning of HEAD; None where HEAD does not hold the whole of it. Raises
    Unsound."""
    mark = len(BOM) if head.startswith(BOM) else 0
    if not head.startswith((b"ply\n", b"ply\r", b"ply ", b"ply\t"), mark):
        return None
    end = head.find(b"\n", 0, 200)
    alone = (
        (cr := head.find(b"\r", 0, 200)) >= 0
        and head[cr : cr + 2] != b"\r\n"
        and (end < 0 or cr < end)
    )
    found, at, stop = list[str](), mark, b"\r" if alone else b"\n"
    while (end := head.find(stop, at)) >= 0:
        line, at = head[at:end].decode("latin-1").strip(), end + 1
        if line == "end_header":
            return _parsed(found[1:], at)
        found.append(line)
    return None


def _parsed(rows: list[str], length: int) -> PlyHeader:
    order, elements, comments, info = None, list[Element](), list[str](), dict[str, str]()
    for line in rows:
        match line.split():
            case ["comment", *_]:
                comments.append(line[len("comment") :].strip())
            case ["obj_info", key, *value]:
                info[key] = " ".join(value)
            case ["format", form, *_] if form in FORMS:
                order = FORMS[form]
            case ["element", name, count] if (
                count.isascii() and count.isdigit() and len(count) < 20
            ):
                elements.append(Element(name, int(count), ()))
            case ["property", *words] if elements and (each := _property(words)):
                elements[-1] = elements[-1]._replace(properties=(*elements[-1].properties, each))
            case ["format" | "element" | "property", *_]:
                raise Unsound(f"its header has the line {line[:80]!r}")
    if order is None:
        raise Unsound("its header has no line that names its format")
    return PlyHeader(order, tuple(elements), length, tuple(comments), info)


def _property(words: list[str]) -> Property | None:
    match words:
        case ["list", counter, kind, name] if TYPES.get(counter, "f")[0] != "f" and kind in TYPES:
            return Property(name, TYPES[kind], TYPES[counter])
        case [kind, name] if kind in TYPES:
            return Property(name, TYPES[kind])
    return None


# -- completeness ------------------------------------------------------------------------------


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
    counters = {width: struct.Struct(order + "xBHxI"[width]) for width in (1, 2, 4)}
    for _ in range(element.rows):
        for width, item in sizes:
            if item and here + width <= len(data):
                here += item * int(counters[width].unpack_from(data, here)[0])
            here += width
        if here > len(data):
            return size + 1
    return at + here


def _too_few(element: Element, there: int) -> str:
    return f"its header promises {element.rows} {plural(element)}, {there} are there"


def plural(element: Element) -> str:
    return {"vertex": "vertices", "face": "faces"}.get(element.name, f"rows of {element.name}")
