"""LAZ: do its record of the packing and its table of chunks agree with the header? The unpacker
reserves memory for what they claim."""

from __future__ import annotations

import struct
from typing import BinaryIO

_VARIABLE = 0xFFFFFFFF  # as the size of a chunk: each has its own
_LARGEST = 1 << 22  # points that a chunk may claim in a file of fewer
_SMALLEST = 8  # bytes of a chunk, at the least


def contradiction(file: BinaryIO, size: int, points: int) -> str | None:
    """What does not fit in the LAZ file of SIZE bytes whose header speaks of so many POINTS, in
    words."""
    file.seek(0)
    head = file.read(111)
    start, begin, records = struct.unpack_from("<HII", head, 94)
    record = _packing(file, start, begin, records)
    if record is None or len(record) < 34:
        return "it names no packing (its LASzip record is missing)"
    chunk, items = struct.unpack_from("<I", record, 12)[0], struct.unpack_from("<H", record, 32)[0]
    widths = [
        struct.unpack_from("<H", record, 34 + 6 * k + 2)[0]
        for k in range(items)
        if 34 + 6 * k + 6 <= len(record)
    ]
    if len(widths) != items or sum(widths) != struct.unpack_from("<H", head, 105)[0]:
        return "the fields of its packed points are not as wide as its points"
    chunks = _chunks(file, size, begin)
    if chunks is None or chunk == 0:
        return "its table of chunks is not there"
    expected = size // _SMALLEST if chunk == _VARIABLE else -(-points // chunk) + 1
    if chunk != _VARIABLE and chunk > max(points, _LARGEST):
        return f"its chunks hold {chunk} points each, and all of it {points}"
    return f"its table speaks of {chunks} chunks for {points} points" if chunks > expected else None


def _packing(file: BinaryIO, at: int, end: int, records: int) -> bytes | None:
    for _ in range(min(records, 10_000)):
        file.seek(at)
        head = file.read(54)
        if len(head) < 54 or at + 54 > end:
            return None
        length = struct.unpack_from("<H", head, 20)[0]
        if (
            head[2:18].rstrip(b"\0") == b"laszip encoded"
            and struct.unpack_from("<H", head, 18)[0] == 22204
        ):
            return file.read(length)
        at += 54 + length
    return None


def _chunks(file: BinaryIO, size: int, begin: int) -> int | None:
    """How many chunks the table that BEGIN (or, of a stream, the file's end) points to speaks
    of."""
    file.seek(begin)
    table = struct.unpack("<q", file.read(8).ljust(8, b"\0"))[0]
    if table == -1:
        file.seek(max(size - 8, 0))
        table = struct.unpack("<q", file.read(8).ljust(8, b"\0"))[0]
    if not begin < table <= size - 8:
        return None
    file.seek(table)
    return int(struct.unpack("<II", file.read(8))[1])
