"""PTX: one or several gridded scans with the scanner's place and pose. Pure numpy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from pipeline.formats import dialect, tables
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _rows, _shades
from pipeline.stages.scan._raw import MOST_POINTS, Raw, to_colors
from pipeline.stages.scan._text import lines_of

# numbers per line: columns, rows, scanner's place, its axes, the pose
_HEADER = (1, 1, 3, 3, 3, 3, 4, 4, 4, 4)
_SAMPLE = 2000  # rows that decide how they are written


def read(source: Source, account: Account) -> Iterator[Raw]:
    """Each scan in the file, read one after the other, is a pass in the scanner's own frame, with
    its pose and its grid; blank lines between scans do not matter."""
    found = 0
    with closing(lines_of(source)) as text:
        lines = _Lines(text)
        while (first := lines.next_filled()) is not None:
            yield _scan(source.name, first, lines, account)
            found += 1
    if not found:
        raise broken(source.name, "it holds no scan")
    account.count("scans", found, found)


def begins(head: bytes) -> bool:
    """Whether a text that begins with HEAD is PTX: ten lines of as many numbers as its header
    has."""
    lines = [line for line in tables.head_lines(head, whole=False) if line.strip()]
    return [len(_numbers(line)) for line in lines[: len(_HEADER)]] == list(_HEADER)


class _Lines:
    """Lines and the number of the next one."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.at = lines, 1

    def take(self, many: int) -> list[str]:
        found = list(itertools.islice(self.lines, many))
        self.at += len(found)
        return found

    def next_filled(self) -> str | None:
        while line := self.take(1):
            if line[0].strip():
                return line[0]
        return None


def _scan(name: str, first: str, lines: _Lines, account: Account) -> Raw:
    line = lines.at - 1
    head = [_numbers(text) for text in (first, *(lines.next_filled() or "" for _ in _HEADER[1:]))]
    if [len(row) for row in head] != list(_HEADER) or not all(
        value[0].is_integer() for value in head[:2]
    ):
        raise broken(name, f"the PTX header that begins on line {line} is not complete")
    columns, rows = int(head[0][0]), int(head[1][0])
    if not (columns > 0 and rows > 0 and columns * rows <= MOST_POINTS):
        raise broken(name, f"the PTX header on line {line} speaks of {columns} × {rows} points")
    values = _values(name, columns * rows, lines, account)
    # column by column
    grid = np.stack(np.divmod(np.arange(columns * rows), rows)[::-1], axis=1).astype(np.int32)
    # 0 0 0: the laser met nothing
    places = np.where((values[:, :3] != 0).any(1)[:, None], values[:, :3], np.nan)
    pose = _pose(np.array(head[6:10]).T, account)  # PTX writes row vectors
    scanner = (
        np.zeros(3) if pose is None else rigid.apply(rigid.invert(pose), np.array([head[2]]))[0]
    )
    raw = Raw(
        name,
        places,
        None,
        _colors(values, account),
        grid,
        scanner=scanner,
        pose=pose,
        unit="m",
        survey=True,
    )
    wide = values.shape[1]
    if wide > 3 and wide != 6 and not _shades.paint(raw, values[:, 3], account):
        account.lost(["intensity"])
    return raw


def _numbers(text: str) -> list[float]:
    found = [
        dialect.number(word, dialect.Dialect(decimal="")) for word in text.replace(";", " ").split()
    ]
    return (
        [value for value in found if value is not None and np.isfinite(value)]
        if None not in found
        else []
    )


def _values(name: str, count: int, lines: _Lines, account: Account) -> Array:
    """COUNT rows; those of a beam that met nothing may be shorter."""
    start = lines.at
    block = lines.take(count)
    sample = [text for text in block[:: max(1, len(block) // _SAMPLE)] if tables.is_row(text)]
    if not sample:
        raise (
            cut_off(name, count, 0)
            if len(block) < count
            else broken(name, f"line {start} is no row of x, y, z and intensity")
        )
    try:
        how = dialect.dialect(sample)
    except dialect.Unclear as why:
        raise broken(name, str(why)) from None
    wide = max(len(dialect.cells(text, how)) for text in sample)
    rows = _rows.read(iter(block), _rows.Form(how, wide, tuple(range(wide)), padded=True), start)
    if len(block) < count or (_rows.ends_in_a_row(rows) and rows.last == start + count - 1):
        raise cut_off(name, count, max(0, rows.many))
    if rows.bad or rows.many < count:
        at, text = rows.bad[0] if rows.bad else (start, "")
        raise broken(
            name, f"line {at} is no row of x, y, z, intensity and colours: {text.strip()[:60]!r}"
        )
    account.count("points", count, rows.many)
    if further := wide - 7 if wide > 7 else wide == 5:
        account.remark(f"the last {further:d} of its {wide} columns could not be understood")
    return rows.values


def _colors(values: Array, account: Account) -> np.ndarray | None:
    """Behind x, y, z and intensity, which some programs leave out."""
    wide = values.shape[1]
    first = 3 if wide == 6 else 4
    return to_colors(values[:, first : first + 3], account) if wide >= 6 else None


def _pose(pose: Array, account: Account) -> Array | None:
    if rigid.is_rigid(pose):
        return pose
    account.remark("the pose of a scan in it is no rotation and shift, and was not used")
    return None
