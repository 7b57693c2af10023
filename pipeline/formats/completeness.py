"""Does a file hold everything that its own beginning promises? Cheap checks per format; none of
them reads a whole large file.

Each check takes the open file, its size and its head, and returns what is missing, in words, or
None.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable
from typing import BinaryIO

from pipeline.formats import gzip, images, las, pictures, ply_end, signatures, stl
from pipeline.formats.bytes import HEAD, lines, promised

Check = Callable[[BinaryIO, int, bytes], str | None]


def cut_off(name: str, size: int, file: BinaryIO) -> str | None:
    """What is missing at the end of FILE, or None if its end is there or its format has no
    recognisable end."""
    head = file.read(HEAD)
    if signatures.packed(name):
        return gzip.complete(file, size, head, signatures.suffix(name))
    ending = signatures.suffix(name)
    expected, picture = signatures.BY_SUFFIX.get(ending), pictures.kind_of(head)
    # it is what it holds, whatever its name
    if picture and (ending not in signatures.BY_SUFFIX or expected in pictures.KINDS):
        return images.CHECKS[picture](file, size, head) if picture in images.CHECKS else None
    if expected and signatures.sniff(head) != expected:
        return f"it does not begin like {signatures.WORDS[expected]}"
    check = CHECKS.get(ending)
    return check(file, size, head) if check else None


def _zip(file: BinaryIO, size: int, head: bytes) -> str | None:
    file.seek(0)
    return (
        None
        if zipfile.is_zipfile(file)
        else "the list of contents at the end of the archive is missing"
    )


def _glb(file: BinaryIO, size: int, head: bytes) -> str | None:
    return (
        promised(struct.unpack_from("<I", head, 8)[0], size)
        if size >= 12
        else "its header is not complete"
    )


def _e57(file: BinaryIO, size: int, head: bytes) -> str | None:
    if size < 48:
        return "its header is not complete"
    length, xml = struct.unpack_from("<QQ", head, 16)
    if missing := promised(length, size):
        return missing
    file.seek(min(xml, size))
    return None if file.read(16).lstrip().startswith(b"<") else "its list of scans is missing"


def _pcd(file: BinaryIO, size: int, head: bytes) -> str | None:
    data = re.search(rb"^DATA[ \t]+(\w+)[ \t]*\r?\n", head, re.M)
    if not data:
        return "its header is not complete"
    header, form = head[: data.start()], data[1].lower()

    def numbers(key: bytes) -> list[int]:
        found = re.search(rb"^" + key + rb"((?:[ \t]+\d{1,18})+)", header, re.M)
        return [int(part) for part in found[1].split()] if found else []

    count = (
        numbers(b"POINTS") or [(numbers(b"WIDTH") or [0])[0] * (numbers(b"HEIGHT") or [1])[0]]
    )[0]
    sizes = numbers(b"SIZE")
    row = sum(a * b for a, b in zip(sizes, numbers(b"COUNT") or [1] * len(sizes), strict=False))
    if form == b"binary_compressed":
        return promised(
            data.end()
            + 8
            + struct.unpack_from("<I", head.ljust(data.end() + 4, b"\0"), data.end())[0],
            size,
        )
    there = (
        lines(file, data.end(), size, count)
        if form == b"ascii"
        else (size - data.end()) // max(row, 1)
    )
    return None if there >= count else f"its header promises {count} points, {there} are there"


CHECKS: dict[str, Check] = {
    ".zip": _zip,
    ".3mf": _zip,
    ".usdz": _zip,
    ".glb": _glb,
    ".e57": _e57,
    ".las": las.complete,
    ".laz": las.complete,
    ".stl": stl.complete,
    ".pcd": _pcd,
    ".ply": ply_end.complete,
}
