"""Plain decimal numbers of a text in half of the time that C's strtod takes, to the same last bit.

Eight digits are read at once as one 64-bit word; all digits of a number make one whole number, and
one division puts the point. Up to 15 digits float64 does that without an error of its own; up to 19
the 80-bit floats of x86 do, but where their result lies halfway between two float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
WORD = 8  # letters of a word: most digits before a point; behind it two words
FEW, MOST = 15, 19  # digits that a float64 and a 64-bit integer always hold
CHUNK = 1 << 18  # bytes at a time, so that they stay in the cache
EXTENDED = np.finfo(np.longdouble).nmant == 63
_TENS = np.array([10**k for k in range(2 * WORD + 1)], np.uint64)
# the bytes of a word that are its last 0, 1 … 8 letters; the first letter is the lowest byte
_LAST = np.array([(1 << 64) - (1 << (8 * (WORD - k))) for k in range(WORD + 1)], np.uint64)
_ZEROS, _OVER = np.uint64(0x3030303030303030), np.uint64(0x4646464646464646)
_HIGH, _HALF = np.uint64(0x8080808080808080), 1 << 10


def decimals(block: bytes) -> Array | None:
    """The numbers of BLOCK one after another, None where any of them is not written with a sign, up
    to 8 digits, a point and up to 16 digits alone, or has more than 19."""
    if block.translate(None, b"0123456789.- \n"):
        return None
    found, at = list[Array](), 0
    while at < len(block):
        end = block.find(b"\n", at + CHUNK) + 1 or len(block)
        part = _chunk(block[at:end])
        if part is None:
            return None
        found.append(part)
        at = end
    return np.concatenate(found) if found else None


def _chunk(block: bytes) -> Array | None:
    letters = np.frombuffer(b" " * 2 * WORD + block, np.uint8)
    edges = np.flatnonzero(np.diff((letters > 32).view(np.int8), append=np.int8(0))) + 1
    begins, ends = edges[::2], edges[1::2]
    point = _points(np.flatnonzero(letters == 46), begins, ends)
    if point is None or not len(ends):
        return None
    below = letters[begins] == 45
    behind, before = np.maximum(ends - point - 1, 0), point - begins - below
    if behind.max() > 2 * WORD or before.max() > WORD:
        return None
    digits = behind + before
    if digits.min() < 1 or digits.max() > (MOST if EXTENDED else FEW):
        return None
    number = _digits(letters, point, before, ends, behind)
    if number is None:
        return None
    found: Array = (
        number.astype(np.float64) / _TENS[behind].astype(np.float64)
        if digits.max() <= FEW
        else _extended(number, behind, letters, begins + below, ends)
    )
    return np.negative(found, out=found, where=below)


def _points(points: Array, begins: Array, ends: Array) -> Array | None:
    """Where the point of each number is, its end where it has none; None where one has two."""
    if len(points) == len(begins) and bool(((begins <= points) & (points < ends)).all()):
        return points
    owners = np.searchsorted(begins, points, "right") - 1
    if (owners[1:] == owners[:-1]).any():
        return None
    found = ends.copy()
    found[owners] = points
    return found


def _digits(
    letters: Array, point: Array, before: Array, ends: Array, behind: Array
) -> Array | None:
    """The digits of each number as a whole one (N,) uint64; None where a letter is no digit."""
    words = np.ndarray((len(letters) - WORD + 1,), "<u8", letters, 0, (1,))
    parts = [(ends, np.minimum(behind, WORD), 1), (point, before, _TENS[behind])]
    if behind.max() > WORD:
        parts.append((ends - WORD, np.maximum(behind - WORD, 0), _TENS[WORD]))
    total = np.zeros(len(ends), np.uint64)
    for last, count, times in parts:
        read = _eight(words[last - WORD], _LAST[count])
        if read is None:
            return None
        total += read * np.asarray(times, np.uint64)
    return total


def _eight(read: Array, mask: Array) -> Array | None:
    """The whole numbers of the letters of words under MASK; None where one of them is no digit."""
    read = (read & mask) | (_ZEROS & ~mask)
    if (((read + _OVER) | (read - _ZEROS)) & _HIGH).any():
        return None
    read = read - _ZEROS
    read = (read * np.uint64(2561) >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    read = (read * np.uint64(6553601) >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    found: Array = read * np.uint64(42949672960001) >> np.uint64(32)
    return found


def _extended(number: Array, behind: Array, letters: Array, begins: Array, ends: Array) -> Array:
    """NUMBER with its point, by 80-bit floats; those that round twice are left to Python."""
    exact = number.astype(np.longdouble) / _TENS[behind].astype(np.longdouble)
    found: Array = exact.astype(np.float64)
    low = exact.view(np.uint64)[::2] & np.uint64(2 * _HALF - 1)
    for at in np.flatnonzero(np.abs(low.astype(np.int64) - _HALF) <= 1):
        found[at] = float(letters[begins[at] : ends[at]].tobytes())
    return found
