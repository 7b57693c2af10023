"""LAS and LAZ: are all points there?"""

from __future__ import annotations

import struct
from typing import BinaryIO


def complete(file: BinaryIO, size: int, head: bytes) -> str | None:
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
    return (
        None
        if points_at < table < size or count == 0
        else "the table at the end of the compressed points is missing"
    )
