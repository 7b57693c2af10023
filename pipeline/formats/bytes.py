"""Bounded looks into an open file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

HEAD = 64 << 10  # bytes of a file that are looked at
COUNT_LIMIT = 256 << 20  # lines of larger text files are not counted


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; never follows a link, never waits for a pipe."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def lines(file: BinaryIO, start: int, size: int, wanted: int) -> int:
    """Lines from START on, counting up to WANTED or a little more; a file too large to count is
    taken to have them all."""
    if size - start > COUNT_LIMIT:
        return wanted
    file.seek(start)
    found, last, returns = 0, b"\n", 0
    while block := file.read(1 << 20):
        found, returns, last = found + block.count(b"\n"), returns + block.count(b"\r"), block[-1:]
    return max(found, returns) + (last not in (b"\n", b"\r"))


def promised(length: int, size: int) -> str | None:
    """What is missing, in words, of a file of SIZE bytes whose header speaks of LENGTH."""
    return None if size >= length else f"its header promises {length} bytes, {size} are there"


def tail(file: BinaryIO, size: int) -> bytes:
    file.seek(max(size - HEAD, 0))
    return file.read(HEAD)
