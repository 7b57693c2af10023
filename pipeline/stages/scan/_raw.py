"""What a reader returns, and the checks that all readers share. No native code runs before these checks have passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.geometry.rigid import Array

MOST_POINTS = 2_000_000_000
_MAGIC = (
    (b"\xff\xd8\xff", "a JPEG image"), (b"\x89PNG", "a PNG image"), (b"GIF8", "a GIF image"), (b"%PDF", "a PDF document"),
    (b"II*\0", "a TIFF image"), (b"MM\0*", "a TIFF image"), (b"BM", "a BMP image"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
    (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"), (b"PK\x03\x04", "a zip archive"), (b"\x1f\x8b", "a gzip file"),
    (b"<!DOCTYPE", "a web page"), (b"<html", "a web page"), (b"SQLite", "a database"),
    (b"RIFF", "a RIFF media file"), (b"OggS", "an Ogg media file"),
)  # fmt: skip


class Source(NamedTuple):
    """One scan file: the name the person knows it by, and where its bytes lie."""

    name: str
    path: Any  # pathlib.Path


@dataclass
class Raw:
    """One pass as its file gives it, rows unfiltered. ``pose`` maps the pass into the file's common frame."""

    name: str
    points: Array
    normals: NDArray[Any] | None = None
    colors: NDArray[np.uint8] | None = None
    grid: NDArray[np.int32] | None = None
    scanner: Array | None = None
    pose: Array | None = None
    unit: str | None = None


def looks_like(head: bytes) -> str | None:
    """Words for a file that is plainly something else than a scan, judged by its first bytes."""
    if head[:2] == b"BM" and (len(head) < 10 or head[6:10] != b"\0\0\0\0"):
        return None  # a text file may well begin with these letters
    return next((words for magic, words in _MAGIC if head.startswith(magic)), None)


def cut_off(name: str, said: int, held: int) -> InputRejected:
    return InputRejected(f"{name} looks cut off: header says {said} points, file holds {held}", remedy="Export or copy the file again.")


def broken(name: str, why: str) -> InputRejected:
    return InputRejected(f"{name} cannot be read: {why}", remedy="Export the file again, as PLY or E57 if the program offers it.")


def is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def odd_row(name: str, lines: Sequence[str | bytes], fewest: int) -> InputRejected:
    """The refusal of a table: its first row that is not at least FEWEST numbers, counted from the first row of data."""
    for number, line in enumerate(lines, 1):
        text = line.decode("latin-1") if isinstance(line, bytes) else line
        words = text.split()
        if len(words) < fewest or not all(map(is_number, words)):
            return broken(name, f"row {number} of its points is not {fewest} numbers: {text.strip()[:60]!r}")
    return broken(name, f"its rows are not all of {fewest} numbers")


def to_colors(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Colours (N,3) to 0..255: bytes stay, shares 0..1 are scaled up, 16-bit values down."""
    if values.dtype == np.uint8:
        return values
    finite = np.nan_to_num(np.asarray(values, np.float64))
    top = float(finite.max()) if finite.size else 0.0
    factor = 255.0 if values.dtype.kind == "f" and top <= 1.0 else 1.0 if top <= 255 else 255.0 / 65535.0
    return np.clip(np.rint(finite * factor), 0, 255).astype(np.uint8)


def columns(table: dict[str, NDArray[Any]], *names: tuple[str, ...]) -> NDArray[Any] | None:
    """The first of the column sets ``names`` that is all there, stacked (N,C); None when none is."""
    for group in names:
        if all(name in table for name in group):
            return np.stack([table[name] for name in group], axis=1)
    return None


def from_columns(name: str, table: dict[str, NDArray[Any]]) -> Raw:
    """A pass from named columns: x y z, and normals and colours under the names that programs give them."""
    points = columns(table, ("x", "y", "z"))
    if points is None:
        raise broken(name, "it has no x, y, z columns")
    colors = columns(table, ("red", "green", "blue"), ("r", "g", "b"), ("diffuse_red", "diffuse_green", "diffuse_blue"))
    normals = columns(table, ("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
    return Raw(name, points.astype(np.float64), normals, None if colors is None else to_colors(colors))
