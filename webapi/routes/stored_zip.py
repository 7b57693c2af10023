"""A zip of uncompressed entries as a file that can be read from anywhere, made while it is read."""

from __future__ import annotations

import bisect
import io
import struct
import zlib
from typing import Any, BinaryIO, NamedTuple

LIMIT = 0xFFFFFFFF  # sizes and places from here on stand in a zip64 field
DATE, MODE, UTF8 = 0x21, 0o100644 << 16, 0x800  # 1980-01-01: the same files make the same zip


class Entry(NamedTuple):
    """One entry: NAME in the zip, FILE with SIZE bytes and their CRC-32."""

    name: str
    file: BinaryIO
    size: int
    crc: int

    @classmethod
    def of(cls, name: str, data: bytes) -> Entry:
        return cls(name, io.BytesIO(data), len(data), zlib.crc32(data))


class StoredZip(io.RawIOBase):
    """ENTRIES as a zip, ``size`` bytes long. Closing it closes their files."""

    def __init__(self, entries: list[Entry]) -> None:
        self.pieces: list[tuple[int, bytes | Entry]] = []  # (where it ends, what it is)
        self.size = self._at = 0
        self._entries, table = entries, b""
        for entry in entries:
            table += _row(entry, self.size)
            self._add(_header(entry), 0)
            self._add(entry, entry.size)
        begin = self.size
        self._add(table + _end(len(entries), len(table), begin), 0)
        self._ends = [end for end, _ in self.pieces]

    def _add(self, piece: bytes | Entry, size: int) -> None:
        self.size += len(piece) if isinstance(piece, bytes) else size
        self.pieces.append((self.size, piece))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, to: int, whence: int = io.SEEK_SET) -> int:
        self._at = to + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        return self._at

    def readinto(self, target: Any) -> int:
        """Fill TARGET from one piece; 0 at the end. OSError where a file became shorter meanwhile:
        a zip that is not whole must not look whole."""
        number = bisect.bisect_right(self._ends, self._at)
        if number == len(self.pieces):
            return 0
        end, piece = self.pieces[number]
        wanted = min(len(target), end - self._at)
        if isinstance(piece, bytes):
            begin = len(piece) - (end - self._at)
            found = piece[begin : begin + wanted]
        else:
            piece.file.seek(piece.size - (end - self._at))
            found = piece.file.read(wanted)
            if not found:
                raise OSError(f"{piece.name} became shorter while it was sent")
        target[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        for entry in self._entries:
            entry.file.close()
        super().close()


def _zip64(*values: int) -> bytes:
    """The extra field with those of VALUES that are too large for theirs."""
    large = [value for value in values if value >= LIMIT]
    return struct.pack(f"<HH{len(large)}Q", 1, 8 * len(large), *large) if large else b""


def _common(entry: Entry, extra: bytes, sizes: int) -> bytes:
    return struct.pack(
        "<HHHHHLLLHH",
        *(45 if extra else 20, UTF8, 0, 0, DATE, entry.crc, sizes, sizes),
        *(len(entry.name.encode()), len(extra)),
    )


def _header(entry: Entry) -> bytes:
    extra = _zip64(entry.size, entry.size)
    return b"PK\3\4" + _common(entry, extra, min(entry.size, LIMIT)) + entry.name.encode() + extra


def _row(entry: Entry, at: int) -> bytes:
    """ENTRY, which begins AT, in the table of contents."""
    extra = _zip64(entry.size, entry.size, at)
    return (
        struct.pack("<4sH", b"PK\1\2", 3 << 8 | 45)
        + _common(entry, extra, min(entry.size, LIMIT))
        + struct.pack("<HHHLL", 0, 0, 0, MODE, min(at, LIMIT))
        + entry.name.encode()
        + extra
    )


def _end(count: int, size: int, at: int) -> bytes:
    """The end of a zip whose table of COUNT entries is SIZE bytes long and begins AT."""
    wide = b""
    if at + size >= LIMIT:
        wide = struct.pack(
            "<4sQHHLLQQQQ", b"PK\6\6", 44, 3 << 8 | 45, 45, 0, 0, count, count, size, at
        ) + struct.pack("<4sLQL", b"PK\6\7", 0, at + size, 1)
    plain = struct.pack(
        *("<4sHHHHLLH", b"PK\5\6", 0, 0, count, count, min(size, LIMIT), min(at, LIMIT), 0)
    )
    return wide + plain
