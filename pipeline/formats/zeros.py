"""Is part of a file still empty space? A copier that makes room first leaves a file of full size
whose rest is zeros.

Judged by what the bytes stand for: a run of zeros means nothing in a picture with a black edge, but
no scanner writes a page full of points at exactly (0, 0, 0) unless it does so for every point that
it could not measure. So each format names its *regions*, rows of records that cannot all be zero; a
region is looked at where a copier would leave it empty: at its end, and before it (downloads in
several pieces, in any order). A small region is read for that from end to end, a large one at
places spread over it while the intake waits, and from end to end when a worker reads the file.
Compressed formats need none of this: they end in a mark of their own, and the rest is checked when
they are unpacked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pipeline.formats import signatures
from pipeline.formats.bytes import HEAD
from pipeline.formats.regions import BARE_PICTURES, MOST_PIECES, REGIONS, Region, read_at

PAGE = 4096  # bytes; copiers write no less at a time
ROWS = 16  # fewer empty records are no evidence
SHARE = 1 / 16  # of a small region
PROBES = 64
SMALL = 4 << 20  # bytes of a region that are all read at each change of a file
STEP = 1 << 20


def left_empty(name: str, path: Path) -> str | None:
    """In words, what of the file at PATH, which is all there, was never filled: every byte is
    looked at. None where nothing tells."""
    with path.open("rb") as file:
        words = empty_space(name, path.stat().st_size, file, small=sys.maxsize)
    return words and f"{words}: it looks unfinished, as a copy does that stopped half-way"


def empty_space(name: str, size: int, file: BinaryIO, small: int = SMALL) -> str | None:
    """In words, what of FILE is still empty space; None where nothing tells. Regions of up to SMALL
    bytes are read from end to end."""
    head, ending = read_at(file, 0, HEAD), signatures.suffix(name)
    if signatures.packed(name):
        return None
    if ending in REGIONS:
        # a header of nonsense
        with contextlib.suppress(
            struct.error, ValueError, KeyError, IndexError, TypeError, AttributeError
        ):
            regions = (
                each._replace(end=min(each.end, size)) for each in REGIONS[ending](file, size, head)
            )
            return next(filter(None, (_in(file, region, size, small) for region in regions)), None)
    if ending in signatures.TEXT and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        zeros = _zeros_before(file, size, 0)
        return _words(zeros, size) if zeros >= ROWS else _gap(file, Region(0, size, 1), small)
    if ending in BARE_PICTURES and (hole := _hole(file, size)) >= max(PAGE, size // 2):
        return _words(hole, size)
    return None


def zeros_at_end(size: int, file: BinaryIO) -> str | None:
    """In words, that FILE, whose end is known to be missing, ends in zeros: it was not cut off but
    not filled."""
    zeros = _zeros_before(file, size, 0)
    return _words(zeros, size) if zeros >= PAGE else None


def _in(file: BinaryIO, region: Region, size: int, small: int) -> str | None:
    start, end, row, points = region
    if not row or end - start < ROWS * row or (points and _has_empty_points(file, region)):
        return None
    zeros = _zeros_before(file, end, start)
    if zeros >= ROWS * row and zeros >= min(PAGE, SHARE * (end - start)):
        rest = _zeros_before(file, size, end)
        return (
            _words(rest + zeros, size)
            if rest == size - end
            else f"the {zeros} bytes before byte {end} are zeros"
        )
    return _gap(file, region, small)


def _gap(file: BinaryIO, region: Region, small: int) -> str | None:
    """A piece before the end that was not filled yet: empty for a page and ROWS records."""
    least = max(PAGE, ROWS * region.row)
    if region.end - region.start <= small:
        # the page that a region begins in may be empty from before it
        start = max(0, region.start - least + ROWS * region.row)
        empty = _first_run(file, start, region.end, least)
    else:
        empty = next((at for at, block in _blocks(file, region) if not block.strip(b"\0")), None)
    return None if empty is None else f"bytes {empty} to {empty + least} are zeros"


def _first_run(file: BinaryIO, start: int, end: int, least: int) -> int | None:
    """Where the first LEAST zeros in a row between START and END begin."""
    run, before = bytes(least), b""
    for at in range(start, end, STEP):
        block = before + read_at(file, at, min(STEP, end - at))
        if (found := block.find(run)) >= 0:
            return at - len(before) + found
        before = block[-least + 1 :]
    return None


def _has_empty_points(file: BinaryIO, region: Region) -> bool:
    """Are there empty records singly among filled ones, or fewer in a row than a page holds? Then
    they are this scanner's sign for "not measured"."""
    few = re.compile(f"ft{{1,{max(1, PAGE // region.row - 2)}}}f")
    head = (region.start, read_at(file, region.start, min(HEAD, region.end - region.start)))
    for _, block in (head, *_blocks(file, region)):
        rows = [
            not block[at : at + region.row].strip(b"\0")
            for at in range(0, len(block) - region.row + 1, region.row)
        ]
        if few.search("".join("t" if empty else "f" for empty in rows)):
            return True
    return False


def _blocks(file: BinaryIO, region: Region) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole records, at least a page, spread evenly over a region that is large enough
    for them."""
    start, end, row, _ = region
    least = -(-max(PAGE, ROWS * row) // row) * row
    for probe in range(PROBES if end - start >= PROBES * least else 0):
        at = start + (end - start - least) * probe // (PROBES - 1) // row * row
        yield at, read_at(file, at, least)


def _zeros_before(file: BinaryIO, end: int, start: int) -> int:
    """How many zero bytes stand before END, looking back to START."""
    at, step = end, PAGE
    while at > start:
        step = min(step, at - start)
        left = len(read_at(file, at - step, step).rstrip(b"\0"))
        at -= step - left
        if left:
            break
        step = STEP
    return end - at


def _hole(file: BinaryIO, size: int) -> int:
    """Bytes at the end that the file system holds no data for; 0 where it does not tell."""
    at = 0
    try:
        for _ in range(MOST_PIECES):
            try:
                data = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                return size - at if error.errno == errno.ENXIO else 0
            at = os.lseek(file.fileno(), data, os.SEEK_HOLE)
    except (OSError, ValueError):
        pass
    return 0


def _words(zeros: int, size: int) -> str:
    return (
        f"all its {size} bytes are zeros" if zeros == size else f"the last {zeros} bytes are zeros"
    )


# -- where the records of a format lie ---------------------------------------------------------
