"""Gzip: is the end of the packed file there?"""

from __future__ import annotations

import gzip
import struct
import zlib
from typing import BinaryIO

from pipeline.formats import ply
from pipeline.formats.bytes import HEAD

UNPACK_LIMIT = 2 << 30


def unzipped(head: bytes, limit: int = HEAD) -> bytes:
    """The first bytes inside a gzip file of which HEAD is the beginning; b"" where that cannot be
    told."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, limit)
    except zlib.error:
        return b""


def complete(file: BinaryIO, size: int, head: bytes, ending: str) -> str | None:
    """The last four bytes say how much is packed; where that is implausible (several files in one,
    or cut off) it is unpacked."""
    if not head.startswith(b"\x1f\x8b") or size < 18:
        return "it does not begin like a gzip file" if size >= 18 else "its header is not complete"
    file.seek(size - 4)
    inside = struct.unpack("<I", file.read(4))[0]
    wanted = _declared(unzipped(head)) if ending == ".ply" else None
    likely = size <= inside <= 30 * size or (size < (1 << 20) and 0 < inside < 2000)
    sure = likely if wanted is None else wanted % (1 << 32) == inside
    return None if sure or _unpacks(file) else "the end of the packed file is missing"


def _declared(head: bytes) -> int | None:
    """Bytes of a binary PLY without lists, by its header."""
    try:
        header = ply.read(head)
    except ply.Unsound:
        return None
    if header is None or not header.order or any(element.has_lists for element in header.elements):
        return None
    return header.length + sum(element.rows * element.least for element in header.elements)


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
