"""How a table of points is written: its separator, its columns, their names and the rows that are
promised."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from pipeline.formats import columns, dialect, tables, unit_words
from pipeline.formats.columns import Named
from pipeline.formats.refusals import broken
from pipeline.stages.scan import _rows

_SAMPLE = 2000  # rows that decide how the table is written
_RASTERS = re.compile(r"\s*(?:ncols|nrows|DSAA)\b", re.I)  # ESRI's and Surfer's
_BEFORE = 200  # lines that may stand before the first row


class Table(NamedTuple):
    form: _rows.Form
    names: Named | None
    start: int  # lines before the first row
    promised: int | None  # number of points that stands there
    worded: int  # columns of words
    unit: str | None  # that a line above the rows names for the whole table
    above: str  # all lines before the first row


def look(name: str, lines: list[str]) -> Table:
    """How the table is written, from its first rows and what stands above them."""
    if lines and (found := _RASTERS.match(lines[0])):
        raise broken(
            name,
            f"it is a raster of heights ({found[0].strip()}), no list of points; gdal_translate -of"
            " XYZ makes one of it",
        )
    rows = [(at, line) for at, line in enumerate(lines) if tables.is_row(line)][:_SAMPLE]
    if not rows or rows[0][0] > _BEFORE:
        raise broken(name, "it holds no rows of at least three numbers (x, y, z)")
    try:
        how = dialect.dialect([line for _, line in rows])
    except dialect.Unclear as why:
        raise broken(name, str(why)) from None
    split = [dialect.cells(line, how) for _, line in rows]
    wide = int(np.median([len(row) for row in split]))
    while wide > 3 and not any(row[wide - 1] for row in split if len(row) >= wide):
        wide -= 1
    whole = [row for row in split if len(row) == wide]
    kept = tuple(
        at
        for at in range(wide)
        if sum(dialect.number(row[at], how) is None for row in whole) <= len(whole) / 2
        and (not whole or any(row[at] for row in whole))
    )
    if len(kept) < 3:
        raise broken(name, "its rows have fewer than three columns of numbers")
    start = rows[0][0]
    count = next((int(line) for line in reversed(lines[:start]) if line.strip().isdigit()), None)
    worded = sum(any(row[at] for row in whole) for at in range(wide) if at not in kept)
    form = _rows.Form(how, wide, kept)
    above = "\n".join(lines[:start])
    unit, names = unit_words.said(above.encode()), _names(name, lines[:start], how, wide)
    return Table(form, names, start, count, worded, unit, above)


def _names(name: str, above: list[str], how: dialect.Dialect, wide: int) -> Named | None:
    """The names of the columns, from the lines ABOVE the rows; a line of units below the names
    belongs to them."""
    found: Named | None = None
    doubt: str | None = None
    for line in above:
        words = _words(line, how)
        one = columns.named(words)
        if (
            found
            and len(words) == len(found.words)
            and all(columns.unit(word.strip("[]()")) or not word for word in words if word)
        ):
            found = found._replace(units=tuple(columns.unit(word.strip("[]()")) for word in words))
        elif one.is_complete:
            found = one
        elif wide <= len(words) <= wide + 2 and not line.strip().isdigit():
            doubt = one.strange() or doubt
    if found is None and doubt:
        raise broken(name, f"{doubt}; name them x, y and z")
    return found


def _words(line: str, how: dialect.Dialect) -> list[str]:
    bare = re.sub(r"^[\s#/%;!*]+", "", line.strip())
    words = dialect.cells(bare, how)
    if len(words) < 3:  # names apart by other signs than the numbers
        words = next(
            (parts for sign in ";,\t" if len(parts := bare.split(sign)) >= 3), bare.split()
        )
    return columns.split(bare, [word.strip().strip('"') for word in words])
