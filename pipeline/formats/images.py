"""Pictures: is their end there?"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import BinaryIO

from pipeline.formats.bytes import HEAD, promised, tail


def _png(file: BinaryIO, size: int, head: bytes) -> str | None:
    return (
        None if b"IEND\xae\x42\x60\x82" in tail(file, size) else "the end of the picture is missing"
    )


def _jpeg(file: BinaryIO, size: int, head: bytes) -> str | None:
    """The end marker must come after the first scan: a preview inside the EXIF block has an end
    marker of its own."""
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
    return promised(struct.unpack_from("<I", head, 4)[0] + 8, size)


def _gif(file: BinaryIO, size: int, head: bytes) -> str | None:
    """The last block is empty and a semicolon follows it; some programs write a little more."""
    return None if b"\0;" in tail(file, size)[-64:] else "the end of the picture is missing"


def _bmp(file: BinaryIO, size: int, head: bytes) -> str | None:
    return promised(struct.unpack_from("<I", head, 2)[0], size)


def _jp2(file: BinaryIO, size: int, head: bytes) -> str | None:
    return None if b"\xff\xd9" in tail(file, size) else "the end of the picture is missing"


def _boxes(file: BinaryIO, size: int, head: bytes) -> str | None:
    """The boxes of HEIC and AVIF, each with its length before it, end where the file does."""
    at, found = 0, set()
    while at + 8 <= size:
        file.seek(at)
        length, kind, large = struct.unpack(">I4sQ", file.read(16).ljust(16, b"\0"))
        length = large if length == 1 else length
        found.add(kind)
        if length < 8:
            return None  # the last one goes on to the end, or makes no sense
        at += length
    return promised(at, size) or (
        None if b"mdat" in found or b"idat" in head else "the picture itself is missing"
    )


CHECKS: dict[str, Callable[[BinaryIO, int, bytes], str | None]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "gif": _gif,
    "bmp": _bmp,
    "jp2": _jp2,
    "heic": _boxes,
    "avif": _boxes,
}
