"""Does a file hold everything that its own beginning promises? Cheap checks per format; none of them reads a whole large file.

Each check takes the open file, its size and its head, and returns what is missing, in words, or None.
"""

from __future__ import annotations

import gzip
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from pipeline.watchers import _heads
from pipeline.watchers._heads import HEAD, Element

COUNT_LIMIT = 256 << 20  # lines of larger text files are not counted
LIST_LIMIT = 64 << 20  # nor are lists of larger binary ones walked
UNPACK_LIMIT = 2 << 30

Check = Callable[[BinaryIO, int, bytes], str | None]


def cut_off(name: str, size: int, file: BinaryIO) -> str | None:
    """What is missing at the end of FILE, or None if its end is there or its format has no recognisable end."""
    head = file.read(HEAD)
    if _heads.packed(name):
        return _gzip(file, size, head, _heads.suffix(name))
    ending = _heads.suffix(name)
    expected = _heads.BY_SUFFIX.get(ending)
    if expected and _heads.sniff(head) != expected:
        return f"it does not begin like {_heads.WORDS[expected]}"
    check = CHECKS.get(ending)
    return check(file, size, head) if check else None


def _png(file: BinaryIO, size: int, head: bytes) -> str | None:
    return None if b"IEND\xae\x42\x60\x82" in _tail(file, size) else "the end of the picture is missing"


def _jpeg(file: BinaryIO, size: int, head: bytes) -> str | None:
    """The end marker must come after the first scan: a preview inside the EXIF block has an end marker of its own."""
    start = _jpeg_scan(file, size)
    if start is None:
        return "the picture itself is missing"
    tail_at = max(size - HEAD, start)
    file.seek(tail_at)
    if b"\xff\xd9" in file.read(HEAD) or _find(file, b"\xff\xd9", start, tail_at):
        return None
    return "the end of the picture is missing"


def _jpeg_scan(file: BinaryIO, size: int) -> int | None:
    at = 2
    while at + 4 <= size:
        file.seek(at)
        mark, code, length = struct.unpack(">BBH", file.read(4).ljust(4, b"\0"))
        if mark != 0xFF:
            return None
        if code == 0xDA:
            return at + 2 + int(length)
        at += 1 if code == 0xFF else 2 if 0xD0 <= code <= 0xD8 or code == 1 else 2 + length
    return None


def _find(file: BinaryIO, what: bytes, start: int, end: int) -> bool:
    file.seek(start)
    kept = b""
    while start < end and (block := file.read(1 << 20)):
        if what in kept + block:
            return True
        kept, start = block[1 - len(what) :], start + len(block)
    return False


def _webp(file: BinaryIO, size: int, head: bytes) -> str | None:
    return _promised(struct.unpack_from("<I", head, 4)[0] + 8, size)


def _zip(file: BinaryIO, size: int, head: bytes) -> str | None:
    file.seek(0)
    return None if zipfile.is_zipfile(file) else "the list of contents at the end of the archive is missing"


def _glb(file: BinaryIO, size: int, head: bytes) -> str | None:
    return _promised(struct.unpack_from("<I", head, 8)[0], size) if size >= 12 else "its header is not complete"


def _e57(file: BinaryIO, size: int, head: bytes) -> str | None:
    if size < 48:
        return "its header is not complete"
    length, xml = struct.unpack_from("<QQ", head, 16)
    if missing := _promised(length, size):
        return missing
    file.seek(min(xml, size))
    return None if file.read(16).lstrip().startswith(b"<") else "its list of scans is missing"


def _las(file: BinaryIO, size: int, head: bytes) -> str | None:
    if size < 227:
        return "its header is not complete"
    points_at, _, form, row, count = struct.unpack_from("<IIBHI", head, 96)
    if head[25] >= 4 and len(head) >= 255:
        count = struct.unpack_from("<Q", head, 247)[0] or count
    if form & 0xC0:
        return _laz(file, size, points_at, count)
    there = max(size - points_at, 0) // max(row, 1)
    return None if there >= count else f"its header promises {count} points, {there} are there"


def _laz(file: BinaryIO, size: int, points_at: int, count: int) -> str | None:
    file.seek(points_at)
    table = struct.unpack("<q", file.read(8).ljust(8, b"\0"))[0]
    if table == -1:
        file.seek(size - 8)
        table = struct.unpack("<q", file.read(8))[0]
    return None if points_at < table < size or count == 0 else "the table at the end of the compressed points is missing"


def _stl(file: BinaryIO, size: int, head: bytes) -> str | None:
    if head[:5].lower() == b"solid" and _heads.looks_like_text(head):
        return None if b"endsolid" in _tail(file, size)[-1024:].lower() else "its last line, endsolid, is missing"
    if size < 84:
        return "its header is not complete"
    count = struct.unpack_from("<I", head, 80)[0]
    there = (size - 84) // 50
    return None if there >= count else f"its header promises {count} triangles, {there} are there"


def _pcd(file: BinaryIO, size: int, head: bytes) -> str | None:
    data = re.search(rb"^DATA[ \t]+(\w+)[ \t]*\r?\n", head, re.M)
    if not data:
        return "its header is not complete"
    header = head[: data.start()]

    def numbers(key: bytes) -> list[int]:
        found = re.search(rb"^" + key + rb"((?:[ \t]+\d{1,18})+)", header, re.M)
        return [int(part) for part in found[1].split()] if found else []

    count = (numbers(b"POINTS") or [(numbers(b"WIDTH") or [0])[0] * (numbers(b"HEIGHT") or [1])[0]])[0]
    sizes = numbers(b"SIZE")
    row = sum(a * b for a, b in zip(sizes, numbers(b"COUNT") or [1] * len(sizes), strict=False))
    if data[1] == b"binary_compressed":
        return _promised(data.end() + 8 + struct.unpack_from("<I", head.ljust(data.end() + 4, b"\0"), data.end())[0], size)
    there = _lines(file, data.end(), size, count) if data[1] == b"ascii" else (size - data.end()) // max(row, 1)
    return None if there >= count else f"its header promises {count} points, {there} are there"


def _ply(file: BinaryIO, size: int, head: bytes) -> str | None:
    header = _heads.ply_header(head)
    if header is None:
        return "its header is not complete"
    if header.form == "ascii":
        return _ply_text(file, size, header)
    at = header.length
    for element in header.elements:
        there = (size - at) // max(element.least, 1)
        if there < element.rows:
            return _too_few(element, max(there, 0))
        end = _list_end(file, at, element, header.form, size) if element.has_lists else at + element.rows * element.least
        if end > size:
            return f"the last of the {element.rows} {_plural(element)} that its header promises are missing"
        at = end
    return None


def _ply_text(file: BinaryIO, size: int, header: _heads.PlyHeader) -> str | None:
    rows = sum(element.rows for element in header.elements)
    there = _lines(file, header.length, size, rows)
    for element in header.elements:
        if there < element.rows:
            return _too_few(element, there)
        there -= element.rows
    filled = [element for element in header.elements if element.rows]
    last = _tail(file, size).replace(b"\r", b"\n").split(b"\n")[-1].split()
    return "its last line is not complete" if filled and last and len(last) < len(filled[-1].sizes) else None


def _list_end(file: BinaryIO, at: int, element: Element, form: str, size: int) -> int:
    """Where a binary element with lists ends; more than SIZE if it is cut off; the least it can be where it is very large."""
    if size - at > LIST_LIMIT:
        return at + element.rows * element.least
    file.seek(at)
    data, order, here = file.read(LIST_LIMIT), ">" if "big" in form else "<", 0
    counters = {width: struct.Struct(order + "xBHxI"[width]) for width in (1, 2, 4)}
    for _ in range(element.rows):
        for width, item in element.sizes:
            if item and here + width <= len(data):
                here += item * int(counters[width].unpack_from(data, here)[0])
            here += width
        if here > len(data):
            return size + 1
    return at + here


def _lines(file: BinaryIO, start: int, size: int, wanted: int) -> int:
    """Lines from START on, counting up to WANTED or a little more; a file too large to count is taken to have them all."""
    if size - start > COUNT_LIMIT:
        return wanted
    file.seek(start)
    found, last, returns = 0, b"\n", 0
    while block := file.read(1 << 20):
        found, returns, last = found + block.count(b"\n"), returns + block.count(b"\r"), block[-1:]
    return max(found, returns) + (last not in (b"\n", b"\r"))


def _too_few(element: Element, there: int) -> str:
    return f"its header promises {element.rows} {_plural(element)}, {there} are there"


def _plural(element: Element) -> str:
    return {"vertex": "vertices", "face": "faces"}.get(element.name, f"rows of {element.name}")


def _gzip(file: BinaryIO, size: int, head: bytes, ending: str) -> str | None:
    """The last four bytes say how much is packed; where that is implausible (several files in one, or cut off) it is unpacked."""
    if not head.startswith(b"\x1f\x8b") or size < 18:
        return "it does not begin like a gzip file" if size >= 18 else "its header is not complete"
    file.seek(size - 4)
    inside = struct.unpack("<I", file.read(4))[0]
    header = _heads.ply_header(_heads.unzipped(head)) if ending == ".ply" else None
    if header and header.form != "ascii" and not any(element.has_lists for element in header.elements):
        sure = (header.length + sum(element.rows * element.least for element in header.elements)) % (1 << 32) == inside
    else:
        sure = size <= inside <= 30 * size or (size < (1 << 20) and 0 < inside < 2000)
    return None if sure or _unpacks(file) else "the end of the packed file is missing"


def _unpacks(file: BinaryIO) -> bool:
    file.seek(0)
    done = 0
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            while done < UNPACK_LIMIT and (block := unpacked.read(1 << 20)):
                done += len(block)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    return True


def _promised(length: int, size: int) -> str | None:
    return None if size >= length else f"its header promises {length} bytes, {size} are there"


def _tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(size - HEAD, 0))
    return file.read(HEAD)


CHECKS: dict[str, Check] = {
    ".png": _png, ".jpg": _jpeg, ".jpeg": _jpeg, ".webp": _webp, ".zip": _zip, ".3mf": _zip, ".usdz": _zip, ".glb": _glb, ".e57": _e57,
    ".las": _las, ".laz": _las, ".stl": _stl, ".pcd": _pcd, ".ply": _ply,
}  # fmt: skip
