"""Pictures: is their end there?"""

from __future__ import annotations

import struct
from typing import BinaryIO

from pipeline.formats.bytes import HEAD, promised, tail


def png(file: BinaryIO, size: int, head: bytes) -> str | None:
    return None if b"IEND\xae\x42\x60\x82" in tail(file, size) else "the end of the picture is missing"


def jpeg(file: BinaryIO, size: int, head: bytes) -> str | None:
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


def webp(file: BinaryIO, size: int, head: bytes) -> str | None:
    return promised(struct.unpack_from("<I", head, 4)[0] + 8, size)
