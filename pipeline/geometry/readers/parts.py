"""What a reader returns: parts with one material each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats.account import Account
from pipeline.geometry.readers.whites import white

Array = NDArray[Any]


@dataclass(frozen=True)
class Material:
    """color: sRGB 0…1 shares, None where the file says nothing; image: a picture (library: Pillow)
    that color multiplies in linear light. repeats: whether the picture goes on beyond 0…1, across
    and up."""

    name: str = ""
    color: tuple[float, float, float] | None = None
    image: Any = None
    repeats: tuple[bool, bool] = (True, True)


@dataclass(frozen=True)
class Part:
    """vertices (V,3) float64, faces (F,3); per vertex: colors (V,3) uint8 sRGB, normals (V,3), uv
    (V,2) from the picture's lower left corner. painted (V,) says which vertices have a colour where
    not all have. A part without faces is a list of points."""

    vertices: Array
    faces: Array
    colors: Array | None = None
    normals: Array | None = None
    uv: Array | None = None
    material: Material = field(default_factory=Material)
    painted: Array | None = None


@dataclass
class Contents:
    """Everything that one file gave. unit: as the file has it ("inch"), None where it has none.
    holds: what else is in it that is no surface, for one that has none ("1 camera")."""

    parts: list[Part]
    account: Account
    unit: str | None = None
    holds: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        return sum(len(part.vertices) for part in self.parts if not len(part.faces))


def one_paint(part: Part, account: Account) -> Part:
    """PART without its colours of vertices where a picture lies on it, too: outside glTF they say
    the same thing twice."""
    if part.colors is None:
        return part
    if part.uv is None or part.material.image is None:
        return _own_colors(part, account)
    if (part.colors != part.colors[:1]).any():
        account.remark("its vertices have colours besides a picture; the picture was taken")
    return replace(part, colors=None, painted=None)


def _own_colors(part: Part, account: Account) -> Part:
    """PART with the colours of its vertices alone; the colour of its material is that of vertices
    that have none, and of all where they are white."""
    color = part.material.color
    if color is None or part.colors is None:
        return part
    if (part.colors == 255).all():
        return replace(part, colors=None, painted=None)
    if max(color) - min(color) > 0.02:
        account.remark(
            "its vertices have colours besides those of its materials; those of the vertices were"
            " taken"
        )
    whole = np.array([round(share * 255) for share in color], np.uint8)
    colors = part.colors
    if part.painted is not None:
        colors = np.where(part.painted[:, None], colors, whole)
    return replace(part, colors=colors, painted=None, material=replace(part.material, color=None))


def damaged(name: str, why: str) -> InputRejected:
    return InputRejected(f"{name} is damaged: {why}", remedy="Export it again and drop it anew.")


def side_by_side(columns: Sequence[Array]) -> Array:
    """COLUMNS (N,) as (N,C) of their common type; np.stack takes ten times as long for that."""
    made = np.empty((len(columns[0]), len(columns)), np.result_type(*columns))
    for at, column in enumerate(columns):
        made[:, at] = column
    return made


def checked(name: str, corners: Array, count: int) -> Array:
    """CORNERS, every one of which is a vertex of COUNT; InputRejected names the first that is
    none."""
    if len(corners) and (corners.min() < 0 or corners.max() >= count):
        wrong = (corners < 0) | (corners >= count)
        raise damaged(
            name,
            f"it speaks of a vertex that is not in it (number {int(corners[wrong][0])}, counted"
            f" from 0, of {count})",
        )
    return corners


def to_bytes(values: Array, account: Account | None = None) -> Array:
    """Colours of any type as uint8: bytes stay, others are scaled by what they can only mean;
    ACCOUNT hears what was a guess."""
    if values.dtype == np.int8:  # written so by programs that mean bytes: -1 is 255
        return values.view(np.uint8)
    if values.dtype == np.uint8:
        return values
    scaled = np.nan_to_num(np.asarray(values, np.float64)) * (255.0 / white(values, account))
    return np.asarray(np.clip(scaled + 0.5, 0, 255).astype(np.uint8))


def joined_corners(columns: list[Array]) -> tuple[Array, Array]:
    """Corners that agree in all COLUMNS (N,) become one vertex: (the first corner of each vertex,
    the vertex of each corner)."""
    if len(columns) == 1:
        return _used(columns[0])
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        width = int(column.max(initial=0)) + 2
        if key.size and int(key.max()) > (1 << 62) // width:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
        key = key * width + (column + 1)
    _, first, vertex = np.unique(key, return_index=True, return_inverse=True)
    return first, vertex


def _used(column: Array) -> tuple[Array, Array]:
    """joined_corners of one column, without sorting."""
    number = np.full(int(column.max(initial=-1)) + 1, -1, np.int64)
    number[column[::-1]] = np.arange(len(column))[::-1]  # of equal ones the first stays
    present = np.flatnonzero(number >= 0)
    first = number[present]
    number[present] = np.arange(len(present))
    return first, number[column]
