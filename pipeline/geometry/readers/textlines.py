"""Text formats at the speed of numpy: lines are found and sorted by their first letters."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import tables
from pipeline.formats.account import Account, listed

Array = NDArray[Any]


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
        self._alike: dict[int, tuple[Array, Array]] = {}

    def beginning(self, word: bytes) -> Array:
        """Numbers of the lines that begin with WORD and a blank, or are nothing but WORD."""
        lines, second = self._of_letter(word[0])
        if len(word) == 1:
            return np.asarray(lines[(second == 32) | (second == 10)])
        found = lines[second == word[1]]
        found = found[self.ends[found] - self.starts[found] >= len(word)]
        for at, letter in enumerate(word[2:], 2):
            found = found[self.bytes[self.starts[found] + at] == letter]
        behind = self.bytes[self.starts[found] + len(word)]
        return np.asarray(found[(behind == 32) | (behind == 10)])

    def _of_letter(self, letter: int) -> tuple[Array, Array]:
        """Numbers of the lines that begin with LETTER, and what stands behind it."""
        if letter not in self._alike:
            lines = np.flatnonzero(self.first == letter)
            self._alike[letter] = lines, self.bytes[self.starts[lines] + 1]
        return self._alike[letter]

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


def other_lines(lines: Lines, usual: bytes, known: re.Pattern[bytes], account: Account) -> None:
    """Declare the lines that begin neither with a letter of USUAL nor with a word that is KNOWN."""
    rare = np.flatnonzero(~np.isin(lines.first, np.frombuffer(usual, np.uint8)))
    found = Counter(lines.text(int(line)).split(None, 1)[0] for line in rare)
    if odd := [word.decode("utf-8", "replace")[:20] for word in found if not known.fullmatch(word)]:
        account.declare("part", f"lines that begin with {listed(odd)}")
        account.explain("part", f"lines that begin with {listed(odd)}", "its {name} were not read")
