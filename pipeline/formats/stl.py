"""STL: text or binary, by its size and its words, not by its first word alone.

A binary file may begin with "solid", its count may say 0 or 2³²-1 where the program streamed, and
bytes may follow its facets.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from pipeline.formats import tables
from pipeline.formats.bytes import tail

HEADER, FACET = 84, 50
_FACET = re.compile(rb"(?:^|[\r\n])[ \t]*facet\b[^\r\n]*[\r\n]+[ \t]*outer[ \t]+loop\b", re.I)
# its last line, which some programs leave out behind a facet that is whole
ENDED = re.compile(rb"\bend\s*solid\b|\bend\s*facet\s*\Z", re.I)
UNKNOWN_COUNTS = (0, 0xFFFFFFFF)  # what streaming programs leave behind


def is_text(head: bytes, size: int) -> bool:
    """Whether a file of SIZE bytes that begins with HEAD is an ASCII STL."""
    if size >= HEADER and size == HEADER + FACET * count(head):
        return False
    head = letters(head)
    return begins(head) and re.search(rb"\b(facet|endsolid)\b", head, re.I) is not None


def letters(data: bytes) -> bytes:
    """A piece of text without its encoding: one byte a letter of UTF-16, too."""
    return data.replace(b"\0", b"") if tables.encoding(data).startswith("utf-16") else data


def begins(head: bytes) -> bool:
    """Whether HEAD, as ``letters`` gives it, is text that begins with "solid", or has facets though
    a program left that line out or put a comment before it."""
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:5].lower()
    return b"\0" not in head and (start == b"solid" or _FACET.search(head) is not None)


def count(head: bytes) -> int:
    """The number of facets that a binary header declares."""
    return int(struct.unpack_from("<I", head.ljust(HEADER, b"\0"), 80)[0])


def complete(file: BinaryIO, size: int, head: bytes) -> str | None:
    if is_text(head, size) or (begins(letters(head)) and size < HEADER):
        return (
            None
            if ENDED.search(letters(tail(file, size)[-1024:]))
            else "its last line, endsolid, is missing"
        )
    if size < HEADER:
        return "its header is not complete"
    said, there = count(head), (size - HEADER) // FACET
    return (
        None
        if there >= said or said == UNKNOWN_COUNTS[1]
        else f"its header promises {said} triangles, {there} are there"
    )
