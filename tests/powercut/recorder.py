"""A disk that remembers: one file, served through FUSE, whose every write and flush goes to a log.

A loop device over that file makes a block device of it; the file system on top never learns of the
log. A second file, ``marks``, takes words of the story that plays on the disk, so that they stand
between the writes where they belong.

Run as a process: ``python -m tests.powercut.recorder FOLDER IMAGE LOG``.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

HEAD = struct.Struct("<BQI")  # kind, offset in the image, bytes that follow
WRITE, FLUSH, MARK = 0, 1, 2


class Record(NamedTuple):
    """One thing that reached the disk: bytes at an offset, a flush, or a word of the story."""

    kind: int
    offset: int
    data: bytes


def read(log: Path) -> Iterator[Record]:
    with log.open("rb") as file:
        while head := file.read(HEAD.size):
            kind, offset, length = HEAD.unpack(head)
            yield Record(kind, offset, file.read(length))


def serve(folder: Path, image: Path, log: Path) -> None:
    """Serve IMAGE as ``FOLDER/disk`` until it is unmounted."""
    import mfusepy

    class Disk(mfusepy.Operations):  # type: ignore[misc]
        use_ns = True

        def __init__(self) -> None:
            self.image = os.open(image, os.O_RDWR)
            self.log: IO[bytes] = log.open("ab", buffering=0)

        def _say(self, kind: int, offset: int = 0, data: bytes = b"") -> None:
            self.log.write(HEAD.pack(kind, offset, len(data)) + data)

        def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            if path not in ("/disk", "/marks"):
                raise mfusepy.FuseOSError(errno.ENOENT)
            size = os.fstat(self.image).st_size if path == "/disk" else 0
            return {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}

        def readdir(self, path: str, fh: int) -> list[str]:
            return [".", "..", "disk", "marks"]

        def open(self, path: str, flags: int) -> int:
            return 1 if path == "/disk" else 2

        def truncate(self, path: str, length: int, fh: int | None = None) -> int:
            return 0

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            return os.pread(self.image, size, offset) if path == "/disk" else b""

        def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
            if path == "/marks":
                self._say(MARK, 0, data)
            else:
                os.pwrite(self.image, data, offset)
                self._say(WRITE, offset, data)
            return len(data)

        def flush(self, path: str, fh: int) -> int:
            return 0

        def fsync(self, path: str, datasync: int, fh: int) -> int:
            if path == "/disk":
                self._say(FLUSH)
            return 0

    mfusepy.FUSE(Disk(), str(folder), foreground=True, nothreads=True, direct_io=True)


if __name__ == "__main__":
    serve(*(Path(word) for word in sys.argv[1:4]))
