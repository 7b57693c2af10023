"""The numbers in an OBJ file's faces: absolute, counted back, or left out."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers.parts import checked, damaged
from pipeline.geometry.readers.textlines import Lines
from pipeline.geometry.readers.textnumbers import numbers, parsed, slots, words

Array = NDArray[Any]


def _indices(name: str, lines: Lines, faces: Array) -> tuple[list[Array | None], Array]:
    """Indices (N,) of vertices, uv and normals as they stand, 0 or None for none, and the corners
    of each face."""
    skip = 2 if len(lines.beginning(b"fo")) else 1
    block = lines.block(faces, skip)
    if b"#" in block:
        block = re.sub(rb"#[^\n]*", b"", block)
    if (room := slots(block, b"/")) and (alike := _alike(block, room)) is not None:
        return alike
    begins, counts = words(block)
    slashes = np.flatnonzero(np.frombuffer(block, np.uint8) == 47)
    if not len(slashes):
        return [numbers(name, "face", block, np.int64)[0], None, None], counts
    per, rest = divmod(len(slashes), len(begins))
    if rest or per not in (1, 2) or not _each_has(per, begins, slashes, len(block)):
        return _mixed(name, block, len(begins)), counts
    # as in 1//3: no texture coordinates
    bare = per == 2 and bool((np.diff(slashes)[::2] == 1).all())
    found = parsed(block.replace(b"/", b" "), np.int64)
    if found is None or len(found) != len(begins) * (per + 1 - bare):
        return _mixed(name, block, len(begins)), counts
    values = found.reshape(len(begins), -1)
    return [
        values[:, 0],
        None if bare else values[:, 1],
        values[:, -1] if per == 2 else None,
    ], counts


def _alike(block: bytes, room: int) -> tuple[list[Array | None], Array] | None:
    """_indices of lines that have the same blanks and slashes and ROOM numbers between them; None
    where the corners of a line differ."""
    first = block[: block.index(b"\n")].split()
    per = first[0].count(b"/") + 1
    found, many = parsed(block.replace(b"/", b" "), np.int64), block.count(b"\n")
    if found is None or len(found) != room * many or per > 3:
        return None
    if any(word.count(b"/") + 1 != per for word in first):
        return None
    columns: list[Array | None] = [None, None, None]
    columns[:per] = found.reshape(-1, per).T
    return columns, np.full(many, len(first))


def _each_has(per: int, begins: Array, slashes: Array, length: int) -> bool:
    """Whether PER slashes stand within each word, none of them at its end."""
    ends = np.append(begins[1:], length)
    return bool((slashes[::per] > begins).all() and (slashes[per - 1 :: per] < ends).all())


def _mixed(name: str, block: bytes, total: int) -> list[Array | None]:
    index = np.zeros((total, 3), np.int64)
    for row, word in enumerate(block.split()):
        try:
            for column, digits in enumerate(word.split(b"/")[:3]):
                index[row, column] = int(digits) if digits else 0
        except ValueError:
            raise damaged(name, f"a face has the corner {word.decode('latin-1')[:40]!r}") from None
    return [*index.T]


def _absolute(
    name: str, index: Array | None, at: Array, line_of: Array, count: int, account: Account
) -> Array:
    """Vertex numbers from 0. Negative ones count back from their own line; a file that uses 0 and
    never its last number counts from 0."""
    assert index is not None
    if (index == 0).any():
        if index.min() < 0 or index.max() >= count:
            raise damaged(name, "a face has the index 0, and OBJ counts its vertices from 1")
        account.remark("its faces use the index 0, so all indices were taken to count from 0")
        return index
    back = index < 0
    absolute = index - 1
    if back.any():
        absolute[back] = np.searchsorted(at, line_of[back]) + index[back]
    return checked(name, absolute, count)


def optional(
    index: Array | None, at: Array, line_of: Array, what: str, account: Account
) -> Array | None:
    """Numbers from 0 of uv or normals, -1 where a corner has none; None where no corner has one."""
    if index is None or not index.any():
        if len(at):
            account.declare("part", f"{what} ({len(at)} lines that no face uses)")
        return None
    absolute = np.where(index > 0, index - 1, -1)
    back = index < 0
    if back.any():
        absolute[back] = np.searchsorted(at, line_of[back]) + index[back]
    wrong = (absolute >= len(at)) | (back & (absolute < 0))
    if wrong.any():
        account.remark(f"{int(wrong.sum())} corners name {what} that are not there")
        absolute[wrong] = -1
    return absolute if (absolute >= 0).any() else None
