"""Where the records of a file lie, by its own header."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from pipeline.formats import ply, stl

JSON_LIMIT = 16 << 20
MOST_PIECES = 10_000


class Region(NamedTuple):
    """Bytes start…end of the file: records of ROW bytes, of which a run of zeros is no data.

    points: single records may be zeros all the same, where a scanner writes that for "not
    measured".
    """

    start: int
    end: int
    row: int
    points: bool = False


Regions = Callable[[BinaryIO, int, bytes], Iterator[Region]]


def read_at(file: BinaryIO, at: int, count: int) -> bytes:
    """COUNT bytes of FILE from AT."""
    file.seek(at)
    return file.read(count)


def _ply(file: BinaryIO, size: int, head: bytes) -> Iterator[Region]:
    header = ply.read(head)
    if header is None:
        return
    if not header.order:
        yield Region(header.length, size, 1)
        return
    at = header.length
    for element in header.elements:
        if element.has_lists:  # where a list ends only its rows know: all the rest is one region
            if element.name in ("face", "tristrips") and element.rows:
                yield Region(
                    at,
                    size,
                    sum(
                        each.least + (3 * int(each.kind[1]) if each.counter else 0)
                        for each in element.properties
                    ),
                )
            return
        if element.name == "vertex":
            yield Region(at, at + element.rows * element.least, element.least, points=True)
        at += element.rows * element.least


def _stl(file: BinaryIO, size: int, head: bytes) -> Iterator[Region]:
    if stl.is_text(head, size):
        yield Region(5, size, 1)
    else:
        said = stl.count(head)
        yield Region(
            stl.HEADER,
            size if said in stl.UNKNOWN_COUNTS else stl.HEADER + stl.FACET * said,
            stl.FACET,
        )


def _las(file: BinaryIO, size: int, head: bytes) -> Iterator[Region]:
    at, _, form, row, count = struct.unpack_from("<IIBHI", head, 96)
    if head[25] >= 4 and len(head) >= 255:
        count = struct.unpack_from("<Q", head, 247)[0] or count
    if not form & 0xC0:  # compressed points end in a table, and what is unpacked is checked
        yield Region(at, at + row * count, row)


def _pcd(file: BinaryIO, size: int, head: bytes) -> Iterator[Region]:
    data = re.search(rb"^DATA[ \t]+(\w+)[ \t]*\r?\n", head, re.M)
    sizes = re.search(rb"^SIZE[ \t]+([\d \t]+)", head, re.M)
    counts = re.search(rb"^COUNT[ \t]+([\d \t]+)", head, re.M)
    if data is None or sizes is None:
        return
    each = [int(part) for part in sizes[1].split()]
    times = [int(part) for part in counts[1].split()] if counts else [1] * len(each)
    bare = data[1] == b"binary"
    yield Region(
        data.end(),
        size,
        sum(a * b for a, b in zip(each, times, strict=True)) if bare else 1,
        points=bare,
    )


def _e57(file: BinaryIO, size: int, head: bytes) -> Iterator[Region]:
    """Pages of 1024 bytes, each with its own checksum: none is all zeros."""
    yield Region(1024, size - size % 1024, 1024)


def _glb(file: BinaryIO, size: int, head: bytes) -> Iterator[Region]:
    """Positions, indices and packed pictures; other attributes (texture coordinates, morph targets)
    may be all zeros."""
    length = struct.unpack_from("<I", head, 12)[0]
    file.seek(20)
    tree: dict[str, Any] = json.loads(file.read(min(length, JSON_LIMIT)))
    views, accessors, base = tree.get("bufferViews", []), tree.get("accessors", []), 20 + length + 8

    def region(view: int, offset: int, row: int, rows: int) -> Region:
        start = base + views[view].get("byteOffset", 0) + offset
        return Region(start, start + row * rows, row)

    for primitive in (
        each for mesh in tree.get("meshes", []) for each in mesh.get("primitives", [])
    ):
        for number, width in (
            (primitive.get("attributes", {}).get("POSITION"), 12),
            (primitive.get("indices"), 0),
        ):
            if (
                number is None
                or "bufferView" not in accessors[number]
                or views[accessors[number]["bufferView"]].get("buffer", 0)
            ):
                continue
            found = accessors[number]
            row = (
                views[found["bufferView"]].get("byteStride")
                or width
                or {5121: 3, 5123: 6, 5125: 12}[found["componentType"]]
            )
            yield region(
                found["bufferView"],
                found.get("byteOffset", 0),
                row,
                found["count"] // (1 if width else 3),
            )
    for picture in tree.get("images", []):
        if "bufferView" in picture and not views[picture["bufferView"]].get("buffer", 0):
            packed = region(picture["bufferView"], 0, 1, views[picture["bufferView"]]["byteLength"])
            if not read_at(file, packed.start, 4).startswith(BLOCKS):
                yield packed


BLOCKS = (b"\xabKTX", b"DDS ")  # pictures for graphics cards: blocks, of which a black one is zeros
# black is zeros: only the file system can tell
BARE_PICTURES = frozenset({".bmp", ".tif", ".tiff", ".pgm", ".ppm"})
REGIONS: dict[str, Regions] = {
    ".ply": _ply,
    ".stl": _stl,
    ".las": _las,
    ".laz": _las,
    ".pcd": _pcd,
    ".e57": _e57,
    ".glb": _glb,
}
