"""How a table of numbers was written, its separator and its decimal mark, or that they cannot be
told; its lines as cells, its cells as numbers."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

APART = re.compile(r"[,'’]")  # thousands
FORTRAN = re.compile(r"(?<=\d)[dD](?=[-+]?\d)")  # its exponents
NO_NUMBER = re.compile(
    r"[-+]?\d*\.?#(?:ind|qnan|snan|inf|j|nan)\d*|[-+]?\d\.#(?:ind|qnan|snan|inf|j|nan)\w*|[-+]?[qs]?nan(?:\([^)\s]*\)|ind|q|s)?"
    r"|[-+]?inf(?:inity)?|null|none|n/?a|no"
    r" ?data|undef(?:ined)?|invalid|missing|-+|\*+|\?+|#n/a|#num!|#value!",
    re.I,
)
MARKED = re.compile(r"[-+−]?[\d'’\s\xa0\u202f]*[.,][\d.,'’\s\xa0\u202f]*([eEdD][-+]?\d+)?")


class Unclear(ValueError):
    """The rows can be read in two ways; the message says why."""


class Dialect(NamedTuple):
    """separator: "" for blanks, else the sign between columns; decimal: its mark; thousands: signs
    to leave out of numbers."""

    separator: str = ""
    decimal: str = "."
    thousands: str = ""
    quoted: bool = False


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
    words = [word for word in words if MARKED.fullmatch(word)]
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


def is_number(word: str) -> bool:
    return _plain(word) is not None


def _plain(word: str) -> float | None:
    """WORD as a number, its marks read in whatever way fits; NaN for the spellings of "no
    number"."""
    try:
        return float(word)  # as most are spelled
    except ValueError:
        pass
    for text in (
        word,
        word.replace(",", "."),
        APART.sub("", word),
        word.replace(".", "").replace(",", "."),
    ):
        try:
            return float(FORTRAN.sub("e", text.replace("−", "-")))
        except ValueError:
            continue
    return float("nan") if NO_NUMBER.fullmatch(word) else None


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
