"""Is part of a file still empty space? A copier that makes room first leaves a file of full size
whose rest is zeros.

Judged by what the bytes stand for: a run of zeros means nothing in a picture with a black edge, but
no scanner writes a page full of points at exactly (0, 0, 0) unless it does so for every point that
it could not measure. So each format names its *regions*, rows of records that cannot all be zero; a
region is looked at where a copier would leave it empty: at its end, and at places spread over it
(downloads in several pieces). Compressed formats need none of this: they end in a mark of their
own, and the rest is checked when they are unpacked.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

from pipeline.formats import ply, signatures, stl
from pipeline.formats.bytes import HEAD

PAGE = 4096  # bytes; copiers write no less at a time
ROWS = 16  # fewer empty records are no evidence
SHARE = 1 / 16  # of a small region
PROBES = 64
STEP = 1 << 20
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


def empty_space(name: str, size: int, file: BinaryIO) -> str | None:
    """In words, what of FILE is still empty space; None where nothing tells."""
    head, ending = _read(file, 0, HEAD), signatures.suffix(name)
    if signatures.packed(name):
        return None
    if ending in REGIONS:
        # a header of nonsense
        with contextlib.suppress(
            struct.error, ValueError, KeyError, IndexError, TypeError, AttributeError
        ):
            regions = (
                each._replace(end=min(each.end, size)) for each in REGIONS[ending](file, size, head)
            )
            return next(filter(None, (_in(file, region, size) for region in regions)), None)
    if ending in signatures.TEXT and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        zeros = _zeros_before(file, size, 0)
        return _words(zeros, size) if zeros >= ROWS else _gap(file, Region(0, size, 1))
    if ending in BARE_PICTURES and (hole := _hole(file, size)) >= max(PAGE, size // 2):
        return _words(hole, size)
    return None


def zeros_at_end(size: int, file: BinaryIO) -> str | None:
    """In words, that FILE, whose end is known to be missing, ends in zeros: it was not cut off but
    not filled."""
    zeros = _zeros_before(file, size, 0)
    return _words(zeros, size) if zeros >= PAGE else None


def _in(file: BinaryIO, region: Region, size: int) -> str | None:
    start, end, row, points = region
    if end - start < ROWS * row or (points and _has_empty_points(file, region)):
        return None
    zeros = _zeros_before(file, end, start)
    if zeros >= ROWS * row and zeros >= min(PAGE, SHARE * (end - start)):
        rest = _zeros_before(file, size, end)
        return (
            _words(rest + zeros, size)
            if rest == size - end
            else f"the {zeros} bytes before byte {end} are zeros"
        )
    return _gap(file, region)


def _gap(file: BinaryIO, region: Region) -> str | None:
    """A piece in the middle that was not filled yet: one of many places is empty for a page and
    ROWS records."""
    empty = next((at for at, block in _blocks(file, region) if not block.strip(b"\0")), None)
    return (
        None
        if empty is None
        else f"bytes {empty} to {empty + max(PAGE, ROWS * region.row)} are zeros"
    )


def _has_empty_points(file: BinaryIO, region: Region) -> bool:
    """Are there empty records singly among filled ones, anywhere? Then they are this scanner's sign
    for "not measured"."""
    head = (region.start, _read(file, region.start, min(HEAD, region.end - region.start)))
    for _, block in (head, *_blocks(file, region)):
        rows = [
            not block[at : at + region.row].strip(b"\0")
            for at in range(0, len(block) - region.row + 1, region.row)
        ]
        if re.search("ft+f", "".join("t" if empty else "f" for empty in rows)):
            return True
    return False


def _blocks(file: BinaryIO, region: Region) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole records, at least a page, spread evenly over a region that is large enough
    for them."""
    start, end, row, _ = region
    least = -(-max(PAGE, ROWS * row) // row) * row
    for probe in range(PROBES if end - start >= PROBES * least else 0):
        at = start + (end - start - least) * probe // (PROBES - 1) // row * row
        yield at, _read(file, at, least)


def _read(file: BinaryIO, at: int, count: int) -> bytes:
    file.seek(at)
    return file.read(count)


def _zeros_before(file: BinaryIO, end: int, start: int) -> int:
    """How many zero bytes stand before END, looking back to START."""
    at, step = end, PAGE
    while at > start:
        step = min(step, at - start)
        left = len(_read(file, at - step, step).rstrip(b"\0"))
        at -= step - left
        if left:
            break
        step = STEP
    return end - at


def _hole(file: BinaryIO, size: int) -> int:
    """Bytes at the end that the file system holds no data for; 0 where it does not tell."""
    at = 0
    try:
        for _ in range(MOST_PIECES):
            try:
                data = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                return size - at if error.errno == errno.ENXIO else 0
            at = os.lseek(file.fileno(), data, os.SEEK_HOLE)
    except (OSError, ValueError):
        pass
    return 0


def _words(zeros: int, size: int) -> str:
    return (
        f"all its {size} bytes are zeros" if zeros == size else f"the last {zeros} bytes are zeros"
    )


# -- where the records of a format lie ---------------------------------------------------------


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
            if not _read(file, packed.start, 4).startswith(BLOCKS):
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
