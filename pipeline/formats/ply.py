"""PLY: its header, and are all rows there that it declares?

The first line end is that of the whole header (LF, CR LF or CR alone); a line that is
``end_header`` and nothing else ends it, whatever comments say. What stands in comments and obj_info
is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

# and numpy's sign of the byte order
FORMS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
# the first line; an editor may have put a byte order mark before it
FIRST = re.compile(rb"(?:\xef\xbb\xbf)?ply[ \t]*[\r\n]", re.I)
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
    if FIRST.match(head) is None:
        return None
    end = head.find(b"\n", 0, 200)
    alone = (
        (cr := head.find(b"\r", 0, 200)) >= 0
        and head[cr : cr + 2] != b"\r\n"
        and (end < 0 or cr < end)
    )
    found, at, stop = list[str](), 0, b"\r" if alone else b"\n"
    while (end := head.find(stop, at)) >= 0:
        line, at = head[at:end].decode("latin-1").strip(), end + 1
        if line.lower() == "end_header":
            return _parsed(found[1:], at)
        found.append(line)
    return None


def _parsed(rows: list[str], length: int) -> PlyHeader:
    order, elements, comments, info = None, list[Element](), list[str](), dict[str, str]()
    for line in rows:
        match _words(line):
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


def _words(line: str) -> list[str]:
    """The words of LINE, those of PLY itself in lower case."""
    words = line.split()
    named = {"element": 1, "property": len(words) - 1, "comment": 1, "obj_info": 1}
    first = words[0].lower() if words else ""
    plain = range(named.get(first, len(words)))
    return [word.lower() if at in plain else word for at, word in enumerate(words)]


def _property(words: list[str]) -> Property | None:
    match words:
        case ["list", counter, kind, name] if TYPES.get(counter, "f")[0] != "f" and kind in TYPES:
            return Property(name, TYPES[kind], TYPES[counter])
        case [kind, name] if kind in TYPES:
            return Property(name, TYPES[kind])
    return None


# -- completeness ------------------------------------------------------------------------------


def plural(element: Element) -> str:
    return {"vertex": "vertices", "face": "faces"}.get(element.name, f"rows of {element.name}")
