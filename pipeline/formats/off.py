"""OFF: the words of its header and the counts behind them, whatever blanks, comments and line ends
lie between."""

from __future__ import annotations

import re
from typing import NamedTuple

_FIRST = re.compile(
    rb"(?:\s|#[^\n\r]*)*(?P<said>(?:ST|[CN4])*)OFF(?![A-Za-z_])(?P<binary>[ \t]+BINARY\b)?",
    re.I,  # MeshLab: NCSTOFF, not STCNOFF
)
_NUMBER = re.compile(rb"(?:\s|#[^\n\r]*)*(\d{1,18})(?![\w.])")


class OffHeader(NamedTuple):
    """length: bytes up to the first row; colors, normals, uv, fourth, dim: what its first word says
    that vertices have."""

    vertices: int
    faces: int
    edges: int
    length: int
    colors: bool
    normals: bool
    uv: bool
    fourth: bool
    dim: bool
    binary: bool


def read(head: bytes) -> OffHeader | None:
    """The header at the beginning of HEAD, or None where there is none; without the word OFF it
    begins with its counts."""
    first = _FIRST.match(head.removeprefix(b"\xef\xbb\xbf"))
    skipped = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    if first is None:
        return None
    at, counts = first.end() + skipped, list[int]()
    while len(counts) < 3 and not first["binary"]:
        number = _NUMBER.match(head, at)
        if number is None:
            break
        if len(counts) == 2 and b"\n" in number[0].replace(b"\r", b"\n"):
            break  # some programs leave out the number of edges, and the vertices begin
        counts.append(int(number[1]))
        at = number.end()
    if len(counts) < 2 and not first["binary"]:
        return None
    counts += [0, 0, 0]
    # nOFF, while NOFF and noff have normals
    dim = first["said"].endswith(b"n") and first[0].endswith(b"OFF")
    said = (first["said"][:-1] if dim else first["said"]).upper()
    has = {word: word in said for word in (b"C", b"N", b"ST", b"4")}
    vertices, faces, edges = counts[:3]
    return OffHeader(
        vertices,
        faces,
        edges,
        at,
        has[b"C"],
        has[b"N"],
        has[b"ST"],
        has[b"4"],
        dim,
        first["binary"] is not None,
    )
