"""Text formats at the speed of numpy: lines are found, sorted by their first letters and turned
into numbers as blocks."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import tables
from pipeline.formats.account import Account, listed
from pipeline.geometry.readers.parts import damaged

Array = NDArray[Any]
_NANS = re.compile(
    rb"[-+]?(?:1\.#(?:IND|QNAN|SNAN|INF)\d*|\bnan(?:\([a-z0-9]*\))?|\binf(?:inity)?)", re.I
)


def plain(data: bytes) -> bytes:
    """DATA in one byte per letter, lines ended by LF, without tabs and byte order mark; the last
    line is ended, too."""
    if (coding := tables.encoding(data[:4096])).startswith(("utf-16", "utf-32")):
        data = data.decode(coding, "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\t" in data:
        data = data.replace(b"\t", b" ")
    if data[-1:] == b"\x1a":
        data = data[:-1]  # DOS ended texts so
    return data if data.endswith(b"\n") else data + b"\n"


class Lines:
    """The lines of plain text without their indents: ``starts`` and ``ends`` (without LF) in
    ``data``."""

    def __init__(self, data: bytes) -> None:
        self._lay(data)
        if (self.first == 32).any():
            self._lay(re.sub(rb"\n +", b"\n", b"\n" + data)[1:])

    def _lay(self, data: bytes) -> None:
        self.data, self.bytes = data, np.frombuffer(data, np.uint8)
        self.ends = np.flatnonzero(self.bytes == 10)
        self.starts = np.concatenate([[0], self.ends + 1])[:-1]
        self.first = self.bytes[self.starts]

    def beginning(self, word: bytes) -> Array:
        """Numbers of the lines that begin with WORD and a blank, or are nothing but WORD."""
        found = np.flatnonzero(self.first == word[0])
        found = found[self.ends[found] - self.starts[found] >= len(word)]
        for at, letter in enumerate(word[1:], 1):
            found = found[self.bytes[self.starts[found] + at] == letter]
        behind = self.bytes[self.starts[found] + len(word)]
        return np.asarray(found[(behind == 32) | (behind == 10)])

    def text(self, line: int) -> bytes:
        return self.data[self.starts[line] : self.ends[line]]

    def block(self, which: Array, skip: int = 0) -> bytes:
        """The lines WHICH, ascending, one after another, each without its first SKIP letters."""
        if not len(which):
            return b""
        low, high = int(which[0]), int(which[-1]) + 1
        wanted = np.zeros(high - low, bool)
        wanted[which - low] = True
        begin = self.starts[low]
        kept = np.repeat(wanted, self.ends[low:high] + 1 - self.starts[low:high])
        for step in range(skip):
            kept[self.starts[which] - begin + step] = False
        kept[self.ends[which] - begin] = True
        found: bytes = self.bytes[begin : self.ends[high - 1] + 1][kept].tobytes()
        return found


def words(block: bytes) -> tuple[Array, Array]:
    """Where each word of BLOCK begins, and how many words each of its lines has."""
    letters = np.frombuffer(block, np.uint8)
    inside = letters > 32
    inside[1:] &= letters[:-1] <= 32
    begins = np.flatnonzero(inside)
    return begins, np.diff(np.searchsorted(begins, np.flatnonzero(letters == 10)), prepend=0)


def slots(block: bytes, marks: bytes = b"") -> int:
    """How many words apart by blanks and MARKS each line of BLOCK has, where all lines have the
    same ones of them in the same order and never two in a row but at their ends; else 0. Takes a
    third of the time of ``words``."""
    letters = np.frombuffer(block, np.uint8)
    first = block[: block.find(b"\n") + 1]
    apart = letters <= 32
    for mark in marks:
        apart |= letters == mark
    between, ends = letters[apart], np.flatnonzero(letters == 10)
    wide, many = int(np.count_nonzero(apart[: len(first)])), len(ends)
    if not wide or len(between) != wide * many or block[-1:] != b"\n":
        return 0
    if (between.reshape(-1, wide) != between[:wide]).any():
        return 0
    before, behind = len(first) - len(first.lstrip()), len(first) - len(first.rstrip()) - 1
    starts = ends[:-1] + 1
    outside = [starts + step for step in range(before)] + [
        ends - 1 - step for step in range(behind)
    ]
    if any((letters[at] > 32).any() for at in outside):
        return 0
    pairs = np.count_nonzero(apart[1:] & apart[:-1])
    return wide - before - behind if pairs == many * (before + behind) - (before > 0) else 0


def numbers(name: str, what: str, block: bytes, kind: type = np.float64) -> tuple[Array, Array]:
    """The numbers of BLOCK one after another, and how many stand in each line. InputRejected names
    the first line that holds something else, and decimal commas as such. "#" ends a line."""
    if b"#" in block and not _NANS.search(block):
        block = re.sub(rb"#[^\n]*", b"", block)
    found = parsed(block, kind)
    if found is not None and (room := slots(block)) and len(found) == room * block.count(b"\n"):
        return found, np.full(len(found) // room, room)
    _, counts = words(block)
    if found is None or len(found) != int(counts.sum()):
        cleaned = re.sub(rb"#[^\n]*", b"", _NANS.sub(b" nan", block))
        found, (_, counts) = parsed(cleaned, kind), words(cleaned)
    if found is None or len(found) != int(counts.sum()):
        raise _no_number(name, what, block, kind)
    return found, counts


def parsed(block: bytes, kind: type) -> Array | None:
    """The numbers of BLOCK one after another, None where something else stands in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return (
                np.fromstring(block, dtype=kind, sep=" ")
                if block and not block.isspace()
                else np.zeros(0, kind)
            )
        except (DeprecationWarning, ValueError):
            return None


def columns(name: str, what: str, block: bytes, wanted: int) -> Array:
    """The first WANTED numbers of each line of BLOCK, 0 where a texture coordinate has fewer."""
    values, counts = numbers(name, what, block)
    if (counts < min(wanted, 1 if wanted == 2 else wanted)).any():
        raise damaged(name, f"{what} {int(np.argmin(counts)) + 1} has too few numbers")
    first = np.cumsum(counts) - counts
    found = [
        np.where(counts > k, values[np.minimum(first + k, len(values) - 1)], 0.0)
        for k in range(wanted)
    ]
    return np.stack(found, axis=1)


def other_lines(lines: Lines, usual: bytes, known: re.Pattern[bytes], account: Account) -> None:
    """Declare the lines that begin neither with a letter of USUAL nor with a word that is KNOWN."""
    rare = np.flatnonzero(~np.isin(lines.first, np.frombuffer(usual, np.uint8)))
    found = Counter(lines.text(int(line)).split(None, 1)[0] for line in rare)
    if odd := [word.decode("utf-8", "replace")[:20] for word in found if not known.fullmatch(word)]:
        account.declare("part", f"lines that begin with {listed(odd)}")
        account.explain("part", f"lines that begin with {listed(odd)}", "its {name} were not read")


def _no_number(name: str, what: str, block: bytes, kind: type) -> InputRejected:
    for number, line in enumerate(block.split(b"\n"), 1):
        for word in line.split():
            try:
                int(word) if kind is np.int64 else float(word)
            except ValueError:
                said = line.decode("latin-1").strip()[:60]
                if re.fullmatch(rb"[-+]?\d*,\d+(?:[eE][-+]?\d+)?", word):
                    return InputRejected(
                        f"{name} writes its numbers with decimal commas: {said!r}",
                        remedy="Export it again with decimal points.",
                    )
                return damaged(name, f"{what} {number} is not made of numbers: {said!r}")
    return damaged(name, f"its {what}s are not made of numbers")
