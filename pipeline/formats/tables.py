"""Tables of numbers as text (XYZ, PTS, TXT, CSV, PTX): encoding, separator, decimal mark, comments,
spellings of "no number".

Everything is found by looking at many rows, never by the first one alone.
"""

from __future__ import annotations

import codecs
import re

from pipeline.formats.bytes import HEAD
from pipeline.formats.dialect import is_number

# by what the columns hold, whatever the suffix promises
SUFFIXES = (
    *(".xyz", ".xyzn", ".xyzrgb", ".xyzrgba", ".xyzi", ".xyzrgbn", ".pts", ".asc"),
    *(".txt", ".csv"),
)
FEWEST_POINTS = 100  # of a pass of a scan
COMMENT = ("#", "//", "%", ";#", "!", "--", "/*", "*", "REM ")
# of nothing but numbers and what stands between them
_ROW = re.compile(r"[\s\d.,;|:eEdD+\-−'’\"_\xa0\u202f]+")
# a row of Fortran whose first number does not fit its columns: no comment
_OVERFLOWN = re.compile(r"\s*\*{3,}(?:\s+(?:\*{3,}|[-+]?[\d.]+(?:[eEdD][-+]?\d+)?)){2,}\s*$")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def encoding(head: bytes) -> str:
    """The encoding of a text that begins with HEAD: by its byte order mark, by zeros in every
    second byte, else UTF-8 or Latin-1."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    pairs = head[: len(head) // 2 * 2]
    if len(pairs) >= 8:
        for name, zeros, letters in (
            ("utf-16-le", pairs[1::2], pairs[::2]),
            ("utf-16-be", pairs[::2], pairs[1::2]),
        ):
            if zeros.count(0) > 0.9 * len(zeros) and not letters.count(0):
                return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def head_lines(head: bytes, whole: bool) -> list[str]:
    """The lines of a text that begins with HEAD, without the last one where HEAD may have cut it in
    two."""
    lines = head.decode(encoding(head), "replace").splitlines()
    return lines if whole or len(lines) < 2 else lines[:-1]


def is_comment(line: str) -> bool:
    return (
        line.lstrip().startswith(COMMENT)
        and not _ROW.fullmatch(line)
        and not _OVERFLOWN.match(line)
    )


def is_row(line: str) -> bool:
    """Does LINE look like a row of at least three numbers, whatever stands between them? One or two
    labels may stand first."""
    words = [word for word in re.split(r"[\s;|]+", line.strip()) if word]
    if len(words) < 3:
        words = [word for word in re.split(r"[\s,;|]+", line.strip()) if word]
    found = [is_number(word.strip(",\"'")) for word in words]
    starts = range(min(len(found) - 2, 3 if 2 * sum(found) >= len(found) else 2))
    return any(all(found[at : at + 3]) for at in starts) and not is_comment(line)


def of_figures(head: bytes, whole: bool) -> bool:
    """Whether HEAD is a text of figures, whatever stands between them: nobody's sentences."""
    lines = [line for line in head_lines(head, whole) if line.strip() and not is_comment(line)]
    letters = sum(map(str.isalpha, text := "".join(lines)))
    told = sum(sum(map(str.isdigit, line)) >= 3 for line in lines)
    return len(lines) >= 5 and told > 0.9 * len(lines) and sum(map(str.isdigit, text)) > 2 * letters


def rows_of_numbers(head: bytes, whole: bool) -> int:
    """Rows of at least three numbers in HEAD, or 0 where more than a tenth of its rows are
    something else.

    Comments do not matter, nor do lines that only hold a count, nor lines before the first row as
    long as they are few.
    """
    lines = [
        line
        for line in map(str.strip, head_lines(head, whole))
        if line and not is_comment(line) and not line.isdigit()
    ]
    numeric = [is_row(line) for line in lines]
    first = next((at for at, good in enumerate(numeric) if good), 0)
    good, total = sum(numeric), len(numeric) - min(first, 20)
    return good if total and good >= 0.9 * total else 0


def is_short(head: bytes) -> bool:
    """Whether HEAD, the first HEAD bytes of a text, is all of it and has fewer rows than a pass of
    a scan has points."""
    whole = len(head) < HEAD
    return whole and rows_of_numbers(head, whole) < FEWEST_POINTS
