"""Lines of a table → numbers: whole blocks at once where they are sound, line by line where they
are not."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.formats import dialect, tables
from pipeline.formats.dialect import Dialect
from pipeline.formats.refusals import broken
from pipeline.geometry.rigid import Array

_BLOCK = 200_000  # lines
_BAD_SHARE = 0.01  # of rows that may be left out, with words
_MOST_BAD = 100_000


@dataclass(frozen=True)
class Form:
    """how: the dialect; wide: cells of a row; kept: the columns that hold numbers; padded: shorter
    rows count, NaN where they end."""

    how: Dialect
    wide: int
    kept: tuple[int, ...]
    padded: bool = False


@dataclass
class Rows:
    """values (N,K) of the kept columns; bad: (line, text) of rows that are none; counts: (rows
    before it, number) of lines that only hold a whole number."""

    form: Form
    blocks: list[Array] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    counts: list[tuple[int, int]] = field(default_factory=list)
    many: int = 0
    last: int = 0  # number of the file's last line that is not blank

    @property
    def values(self) -> Array:
        return np.concatenate(self.blocks) if self.blocks else np.zeros((0, len(self.form.kept)))

    def add(self, block: Array) -> None:
        if len(block):
            self.blocks.append(block)
            self.many += len(block)


def read(lines: Iterator[str], form: Form, line: int = 1) -> Rows:
    """All rows of LINES; the first of them is line number LINE of its file."""
    rows = Rows(form)
    while block := list(itertools.islice(lines, _BLOCK)):
        whole = _at_once(block, form)
        if whole is None:
            _one_by_one(block, line, rows)
        else:
            rows.add(whole)
        filled = next((at for at in range(len(block), 0, -1) if block[at - 1].strip()), 0)
        rows.last = line + filled - 1 if filled else rows.last
        line += len(block)
    return rows


def ends_in_a_row(rows: Rows) -> bool:
    """Does the file end in the middle of a row: is its last line a beginning of one?"""
    if not rows.bad or rows.bad[-1][0] < rows.last:
        return False
    words = dialect.cells(rows.bad[-1][1], rows.form.how)
    return len(words) < rows.form.wide and any(sign.isdigit() for word in words for sign in word)


def refuse_odd(name: str, rows: Rows) -> list[str]:
    """Words for rows that were left out; InputRejected, naming the line, where they are more than a
    few, or the last one is cut off."""
    if not rows.bad:
        return []
    line, text = rows.bad[0]
    shown = text.strip()[:60]
    if len(rows.bad) > max(1, _BAD_SHARE * rows.many) or rows.many < 10:
        raise broken(name, f"line {line} is not {rows.form.wide} numbers: {shown!r}")
    many = len(rows.bad)
    return [
        f"{many} of its {rows.many + many} rows {'is' if many == 1 else 'are'} not "
        f"{rows.form.wide} numbers and "
        f"{'was' if many == 1 else 'were'} left out, the first on line {line}: {shown!r}"
    ]


def _at_once(block: list[str], form: Form) -> Array | None:
    """The block's values where every line is a plain row; None where a closer look is needed."""
    how = form.how
    if (
        how.quoted
        or how.thousands
        or (form.padded and len({line.count(" ") for line in block}) > 1)
    ):
        return None
    text = "".join(block)
    if "," in text and how.separator != ",":
        if how.decimal == ".":
            return None
        text = text.replace(", ", " ").replace(",", ".")
    separator = how.separator.strip() if how.separator not in (",", ", ") else " "
    text = text.replace(",", " ") if how.separator == "," and ",," not in text else text
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a block of blank lines
            found = np.loadtxt(
                text.splitlines(),
                ndmin=2,
                comments=None,
                delimiter=separator.strip() or None,
                usecols=_columns(form),
            )
    except (ValueError, IndexError):
        return None
    return found if found.shape[1] == len(form.kept) else None


def _columns(form: Form) -> Any:
    return None if len(form.kept) == form.wide else form.kept


def _one_by_one(block: list[str], line: int, rows: Rows) -> None:
    form = rows.form
    good: list[list[float]] = []
    for at, text in enumerate(block, line):
        if not text.strip() or tables.is_comment(text):
            continue
        words = dialect.cells(text, form.how)
        if len(words) == 1 and words[0].isdigit() and form.wide > 1:
            rows.counts.append((rows.many + len(good), int(words[0])))
            continue
        row = _row(words, form)
        if row is not None:
            good.append(row)
        elif len(rows.bad) < _MOST_BAD:
            rows.bad.append((at, text))
    rows.add(np.asarray(good, np.float64).reshape(-1, len(form.kept)))


def _row(words: list[str], form: Form) -> list[float] | None:
    if len(words) > form.wide:  # "1 2 3 # a remark", "1;2;3;"
        words = [*words[: form.wide], *(word for word in words[form.wide :] if word)]
        cut = next(
            (at for at, word in enumerate(words) if word.startswith(("#", "//"))), len(words)
        )
        words = words[:cut]
    if len(words) != form.wide and not (form.padded and 3 <= len(words) < form.wide):
        return None
    found = [
        dialect.number(words[at], form.how) if at < len(words) else float("nan") for at in form.kept
    ]
    return None if None in found else found  # type: ignore[return-value]
