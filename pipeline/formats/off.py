"""OFF: the words of its header and the counts behind them, whatever blanks, comments and line ends
lie between."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

_FIRST = re.compile(
    rb"(?:\s|#[^\n\r]*)*(?:"
    # MeshLab: NCSTOFF, not STCNOFF
    rb"(?P<said>(?:ST|[CN4])*)OFF(?![A-Za-z_])(?P<binary>[ \t]+BINARY\b)?"
    # Geomview lets the word be left out: then a line of three counts is the first
    rb"|(?=\d+[ \t]+\d+[ \t]+\d+[ \t]*[\n\r#]))",
    re.I,
)
_NUMBER = re.compile(rb"(?:\s|#[^\n\r]*)*(\d{1,18})(?![\w.])")


class OffHeader(NamedTuple):
    """length: bytes up to the first row; colors, normals, uv, fourth, dim: what its first word says
    that vertices have; order: the byte order of a binary file, as struct and numpy sign it, "" of
    text."""

    vertices: int
    faces: int
    edges: int
    length: int
    colors: bool
    normals: bool
    uv: bool
    fourth: bool
    dim: bool
    order: str

    @property
    def width(self) -> int:
        """Numbers of a vertex, where a colour has four."""
        return 3 + self.fourth + 3 * self.normals + 4 * self.colors + 2 * self.uv


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
    order = ""
    if first["binary"]:
        line = re.compile(rb"[ \t]*\r?\n").match(head, at)
        at = at if line is None else line.end()
        order, counts = _binary_counts(head[at : at + 12].ljust(12, b"\0"))
        at += 12
    if len(counts) < 2:
        return None
    counts += [0, 0, 0]
    # nOFF, while NOFF and noff have normals
    said = first["said"] or b""
    dim = said.endswith(b"n") and first[0].endswith(b"OFF")
    said = (said[:-1] if dim else said).upper()
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
        order,
    )


def _binary_counts(numbers: bytes) -> tuple[str, list[int]]:
    """Byte order and counts: Geomview writes the big end first, not all others do."""
    found = {order: [*struct.unpack(f"{order}3I", numbers)] for order in "><"}
    order = min(found, key=lambda one: sum(found[one][:2]))
    return order, found[order]
