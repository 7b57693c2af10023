"""Is part of a file still empty space? A copier that makes room first leaves a file of full size
whose rest is zeros.

Judged by what the bytes stand for: a run of zeros means nothing in a picture with a black edge, but
no scanner writes a page full of points at exactly (0, 0, 0) unless it does so for every point that
it could not measure. So each format names its *regions*, rows of records that cannot all be zero; a
region is looked at where a copier would leave it empty: at its end, and at places spread over it
(downloads in several pieces). Compressed formats need none of this: they end in a mark of their
own, and the rest is checked when they are unpacked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import struct
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.formats import signatures
from pipeline.formats.bytes import HEAD
from pipeline.formats.regions import BARE_PICTURES, MOST_PIECES, REGIONS, Region, read_at

PAGE = 4096  # bytes; copiers write no less at a time
ROWS = 16  # fewer empty records are no evidence
SHARE = 1 / 16  # of a small region
PROBES = 64
STEP = 1 << 20


def empty_space(name: str, size: int, file: BinaryIO) -> str | None:
    """In words, what of FILE is still empty space; None where nothing tells."""
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
            return next(filter(None, (_in(file, region, size) for region in regions)), None)
    if ending in signatures.TEXT and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        zeros = _zeros_before(file, size, 0)
        return _words(zeros, size) if zeros >= ROWS else _gap(file, Region(0, size, 1))
    if ending in BARE_PICTURES and (hole := _hole(file, size)) >= max(PAGE, size // 2):
        return _words(hole, size)
    return None


def zeros_at_end(size: int, file: BinaryIO) -> str | None:
    """In words, that FILE, whose end is known to be missing, ends in zeros: it was not cut off but
    not filled."""
    zeros = _zeros_before(file, size, 0)
    return _words(zeros, size) if zeros >= PAGE else None


def _in(file: BinaryIO, region: Region, size: int) -> str | None:
    start, end, row, points = region
    if end - start < ROWS * row or (points and _has_empty_points(file, region)):
        return None
    zeros = _zeros_before(file, end, start)
    if zeros >= ROWS * row and zeros >= min(PAGE, SHARE * (end - start)):
        rest = _zeros_before(file, size, end)
        return (
            _words(rest + zeros, size)
            if rest == size - end
            else f"the {zeros} bytes before byte {end} are zeros"
        )
    return _gap(file, region)


def _gap(file: BinaryIO, region: Region) -> str | None:
    """A piece in the middle that was not filled yet: one of many places is empty for a page and
    ROWS records."""
    empty = next((at for at, block in _blocks(file, region) if not block.strip(b"\0")), None)
    return (
        None
        if empty is None
        else f"bytes {empty} to {empty + max(PAGE, ROWS * region.row)} are zeros"
    )


def _has_empty_points(file: BinaryIO, region: Region) -> bool:
    """Are there empty records singly among filled ones, anywhere? Then they are this scanner's sign
    for "not measured"."""
    head = (region.start, read_at(file, region.start, min(HEAD, region.end - region.start)))
    for _, block in (head, *_blocks(file, region)):
        rows = [
            not block[at : at + region.row].strip(b"\0")
            for at in range(0, len(block) - region.row + 1, region.row)
        ]
        if re.search("ft+f", "".join("t" if empty else "f" for empty in rows)):
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
