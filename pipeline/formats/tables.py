"""Tables of numbers as text (XYZ, PTS, TXT, CSV, PTX): encoding, separator, decimal mark, comments,
spellings of "no number".

Everything is found by looking at many rows, never by the first one alone.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# by what the columns hold, whatever the suffix promises
SUFFIXES = (
    *(".xyz", ".xyzn", ".xyzrgb", ".xyzrgba", ".xyzi", ".xyzrgbn", ".pts", ".asc"),
    *(".txt", ".csv"),
)
COMMENT = ("#", "//", "%", ";#", "!", "--", "/*", "*", "REM ")
NO_NUMBER = re.compile(
    r"[-+]?\d*\.?#(?:ind|qnan|snan|inf|j|nan)\d*|[-+]?\d\.#(?:ind|qnan|snan|inf|j|nan)\w*|[-+]?[qs]?nan(?:\([^)\s]*\)|ind|q|s)?"
    r"|[-+]?inf(?:inity)?|null|none|n/?a|no"
    r" ?data|undef(?:ined)?|invalid|missing|-+|\*+|\?+|#n/a|#num!|#value!",
    re.I,
)
# of nothing but numbers and what stands between them
_ROW = re.compile(r"[\s\d.,;|:eEdD+\-−'’\"_\xa0\u202f]+")
_MARKED = re.compile(r"[-+−]?[\d'’\s\xa0\u202f]*[.,][\d.,'’\s\xa0\u202f]*([eEdD][-+]?\d+)?")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Unclear(ValueError):
    """The rows can be read in two ways; the message says why."""


class Dialect(NamedTuple):
    """separator: "" for blanks, else the sign between columns; decimal: its mark; thousands: signs
    to leave out of numbers."""

    separator: str = ""
    decimal: str = "."
    thousands: str = ""
    quoted: bool = False


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
    return line.lstrip().startswith(COMMENT) and not _ROW.fullmatch(line)


def is_row(line: str) -> bool:
    """Does LINE look like a row of at least three numbers, whatever stands between them? A label
    may stand first."""
    words = [word for word in re.split(r"[\s;|]+", line.strip()) if word]
    if len(words) < 3:
        words = [word for word in re.split(r"[\s,;|]+", line.strip()) if word]
    found = [is_number(word.strip(",\"'")) for word in words]
    return sum(found) >= 3 and (all(found[:3]) or all(found[1:4])) and not is_comment(line)


def is_number(word: str) -> bool:
    return _plain(word) is not None


def _plain(word: str) -> float | None:
    """WORD as a number, its marks read in whatever way fits; NaN for the spellings of "no
    number"."""
    for text in (
        word,
        word.replace(",", "."),
        re.sub(r"[,'’]", "", word),
        word.replace(".", "").replace(",", "."),
    ):
        try:
            return float(re.sub(r"(?<=\d)[dD](?=[-+]?\d)", "e", text.replace("−", "-")))
        except ValueError:
            continue
    return float("nan") if NO_NUMBER.fullmatch(word) else None


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


def dialect(rows: Sequence[str]) -> Dialect:
    """How the numbers of ROWS are written; Unclear where commas may stand between the columns or
    inside the numbers."""
    quoted = sum('"' in row for row in rows) > len(rows) / 2
    separator = _separator(rows, quoted)
    if separator == ",":
        _refuse_confused(rows)
        words = (
            [word for row in rows for word in cells(row, Dialect(",", quoted=quoted))]
            if quoted
            else []
        )
        return Dialect(",", *_marks(words), quoted)
    words = [word for row in rows for word in cells(row, Dialect(separator, quoted=quoted))]
    return Dialect(separator, *_marks(words), quoted)


def _separator(rows: Sequence[str], quoted: bool) -> str:
    most = 0.9 * len(rows)
    bare = (
        [re.sub(r'"[^"]*"', "0", row) for row in rows]
        if quoted
        else [row.strip(" \r\n") for row in rows]
    )
    for sign in ";\t|":
        if sum(sign in row.strip() for row in bare) >= most:
            return sign
    if not sum("," in row for row in bare) >= most:
        return ""
    words = [row.split() for row in bare]
    if sum(len(row) >= 3 for row in words) < most:
        return ","  # 1.5,2.5,3.5
    inner = [word.rstrip(",") for row in words for word in row]
    if not any(word.endswith(",") for row in words for word in row[:-1]) and all(
        word.count(",") <= 1 for word in inner
    ):
        return ""  # 1,5 2,5 3,5
    joined = sum(all(word.endswith(",") for word in row[:-1]) for row in words) >= most
    # 1,5, 2,5, 3,5
    return (
        ", "
        if joined and any("," in word for word in inner) and not any("." in word for word in inner)
        else ","
    )


def _marks(words: Sequence[str]) -> tuple[str, str]:
    """(decimal mark, signs of thousands) of numbers as they stand between separators; "" where
    nothing tells the decimal mark."""
    words = [word for word in words if _MARKED.fullmatch(word)]
    both = [word for word in words if "." in word and "," in word]
    if both:
        last = Counter(max(word.rfind("."), word.rfind(",")) == word.rfind(",") for word in both)
        if len(last) > 1:
            raise Unclear("some of its numbers are written like 1,234.5 and others like 1.234,5")
        return (",", ".") if last[True] else (".", ",")
    commas, points = (
        [word for word in words if "," in word],
        [word for word in words if "." in word],
    )
    if commas and points:
        for mark, group in ((",", commas), (".", points)):
            if all(re.fullmatch(rf"[-+−]?\d{{1,3}}(\{mark}\d{{3}})+", word) for word in group):
                return ("." if mark == "," else ",", mark)
        raise Unclear("some of its numbers have a decimal comma and others a decimal point")
    if any(word.count(",") > 1 for word in commas):
        return ".", ","
    return ("," if commas else "." if points else ""), ""


def _refuse_confused(rows: Sequence[str]) -> None:
    """1,5,2,5,3,5: nothing but whole numbers, of which every second one is the rest of the number
    before it."""
    words = [[word.strip() for word in row.strip().split(",")] for row in rows]
    wide = len(words[0])
    if wide < 6 or wide % 2 or any(len(row) != wide or "." in "".join(row) for row in words):
        return
    rest = [word for row in words for word in row[1::2]]
    if all(word.isdigit() for word in rest) and any(
        len(word) > 1 and word.startswith("0") for word in rest
    ):
        raise Unclear("commas stand between its columns and, as decimal commas, inside its numbers")


def cells(line: str, how: Dialect) -> list[str]:
    """The cells of one line, blanks around them taken off; behind a separator at its end stands an
    empty one."""
    line = line.strip(" \r\n")
    if how.quoted and '"' in line:
        found = next(
            csv.reader([line], delimiter=how.separator[:1] or " ", skipinitialspace=True), []
        )
        found = [word for word in found if word] if not how.separator else found
    elif how.separator == ",":
        found = [part for word in line.split(",") for part in _parts(word.strip())]
    else:
        found = line.split(how.separator) if how.separator else line.split()
    return [word.strip() for word in found]


def _parts(word: str) -> list[str]:
    """1.5 2.5 3.5 of "1.5 2.5 3.5, 255, 0, 0"; words stay as they are."""
    parts = word.split()
    return parts if len(parts) > 1 and all(map(is_number, parts)) else [word]


def number(word: str, how: Dialect) -> float | None:
    """The number that WORD spells; NaN for an empty cell and the spellings of "no number"; None for
    anything else."""
    text = re.sub(r"['’\s\xa0\u202f]", "", word.strip('"')).replace("−", "-")
    for sign in how.thousands:
        text = text.replace(sign, "")
    if how.decimal in (",", ""):
        text = text.replace(",", ".")
    try:
        return float(re.sub(r"(?<=[\d.])[dD](?=[-+]?\d)", "e", text)) if "_" not in text else None
    except ValueError:
        return (
            float("nan")
            if not text or NO_NUMBER.fullmatch(text) or NO_NUMBER.fullmatch(word)
            else None
        )
