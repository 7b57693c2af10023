"""Blocks of text lines as numbers, at the speed of numpy."""

from __future__ import annotations

import itertools
import os
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.geometry.readers.decimals import decimals
from pipeline.geometry.readers.parts import damaged

Array = NDArray[Any]
PIECE = 1 << 20  # bytes that are worth a thread
FEW = 1 << 12  # bytes that are not worth a second way to read them
_NANS = re.compile(
    rb"[-+]?(?:1\.#(?:IND|QNAN|SNAN|INF)\d*|\bnan(?:\([a-z0-9]*\))?|\binf(?:inity)?)", re.I
)


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
    """The numbers of BLOCK one after another, None where something else stands in it. Large blocks
    are parsed in pieces of whole lines, one on each core: numpy lets go of the interpreter."""
    if not block or block.isspace():
        return np.zeros(0, kind)
    pieces = _pieces(block)
    with warnings.catch_warnings():  # for all threads
        warnings.simplefilter("error")
        try:
            if len(pieces) == 1:
                return _piece(block, kind)
            with ThreadPoolExecutor(len(pieces)) as pool:
                return np.concatenate([*pool.map(partial(_piece, kind=kind), pieces)])
        except (DeprecationWarning, ValueError):
            return None


def _piece(block: bytes, kind: type) -> Array:
    found = decimals(block) if kind is np.float64 and len(block) > FEW else None
    return np.fromstring(block, dtype=kind, sep=" ") if found is None else found


def _pieces(block: bytes) -> list[bytes]:
    """BLOCK cut at line ends, into as many pieces as there are cores, none of them blank."""
    count = min(len(os.sched_getaffinity(0)), 8, len(block) // PIECE)
    ends = [block.find(b"\n", len(block) * k // count) + 1 for k in range(1, count)]
    edges = sorted({0, *ends, len(block)})
    found = [block[start:end] for start, end in itertools.pairwise(edges)]
    return found if count > 1 and all(piece.strip() for piece in found) else [block]


def columns(name: str, what: str, block: bytes, wanted: int) -> Array:
    """The first WANTED numbers of each line of BLOCK, 0 where a texture coordinate has fewer."""
    values, counts = numbers(name, what, block)
    if (counts < min(wanted, 1 if wanted == 2 else wanted)).any():
        raise damaged(name, f"{what} {int(np.argmin(counts)) + 1} has too few numbers")
    if len(counts) and counts.min() >= wanted and (counts == counts[0]).all():
        return values.reshape(len(counts), -1)[:, :wanted]
    first = np.cumsum(counts) - counts
    found = [
        np.where(counts > k, values[np.minimum(first + k, len(values) - 1)], 0.0)
        for k in range(wanted)
    ]
    return np.stack(found, axis=1)


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
