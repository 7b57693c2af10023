"""OFF and its kin (COFF, NOFF, STOFF, 4OFF): polygons, colours of vertices and of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import off
from pipeline.formats.account import Account
from pipeline.formats.refusals import incomplete
from pipeline.geometry.readers import offrows
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import (
    Contents,
    Part,
    checked,
    damaged,
    joined_corners,
    to_bytes,
)
from pipeline.geometry.readers.pictures import CLEAR
from pipeline.geometry.readers.polygons import triangulate
from pipeline.geometry.readers.textlines import plain

Array = NDArray[Any]


def read(name: str, path: Path, beside: Companions) -> Contents:
    data, account = path.read_bytes(), Account(name)
    header = off.read(data[: 1 << 16])
    if header is None or not header.order:
        data = plain(data)
        header = off.read(data[: 1 << 16])
    if header is None:
        raise InputRejected(
            f"{name} is not an OFF file: it does not begin with 'OFF' and its counts"
        )
    if header.dim:
        raise InputRejected(
            f"{name} is a many-dimensional OFF file, which is not read",
            remedy="Export it as text, or as PLY.",
        )
    values, counts = (offrows.binary if header.order else offrows.text)(name, data, header)
    account.declare("vertices", "", header.vertices)
    account.declare("faces", "", header.faces)
    if len(counts) < header.vertices + header.faces:
        raise incomplete(
            name,
            f"its header promises {header.vertices + header.faces} lines of data, {len(counts)} are"
            " there",
        )
    if (left := len(counts) - header.vertices - header.faces) > 0:
        account.remark(f"{left} lines follow the rows that its header declares; they were not read")
    starts = np.cumsum(counts) - counts
    places, colors, normals, uv = _vertices(
        name, header, values, starts[: header.vertices], counts[: header.vertices], account
    )
    rows = slice(header.vertices, header.vertices + header.faces)
    part = _faces(
        name,
        values,
        starts[rows],
        counts[rows],
        Part(places, np.zeros((0, 3), np.int64), colors, normals, uv),
        account,
    )
    return Contents([part], account)


def _vertices(
    name: str, header: off.OffHeader, values: Array, starts: Array, counts: Array, account: Account
) -> tuple[Array, Array | None, Array | None, Array | None]:
    width = 4 if header.fourth else 3
    if len(counts) and counts.min() < width:
        raise damaged(name, f"vertex {int(np.argmin(counts)) + 1} has too few coordinates")
    account.arrive("vertices", "", len(counts))
    places = values[starts[:, None] + np.arange(3)] if len(counts) else np.zeros((0, 3))
    if header.fourth:
        places = places / np.where((w := values[starts + 3]) == 0, 1, w)[:, None]
    at, least = width, int(counts.min(initial=99))
    normals = uv = colors = None
    if header.uv and least >= at + 2 + 3 * (header.normals + header.colors):
        uv = values[(starts + counts - 2)[:, None] + np.arange(2)]
        least -= 2
    if header.normals and least >= at + 3:
        normals_at = least - 3 if header.colors and _colors_first(values, starts, at, least) else at
        normals = values[starts[:, None] + np.arange(normals_at, normals_at + 3)]
        at += 3 if normals_at == at else 0
    if header.colors and least >= at + 4:
        _say_transparent(values, starts + at + 3, account)
    if least >= at + 3 and len(counts):
        colors = _bytes(values[starts[:, None] + np.arange(at, at + 3)])
        if (
            not header.colors
            and least == at + 3
            and not _like_colors(values[starts[:, None] + np.arange(at, at + 3)])
        ):
            colors = None
            account.declare("attribute", "three further numbers of each vertex")
    return places, colors, normals, uv


def _say_transparent(values: Array, at: Array, account: Account) -> None:
    if len(at) and _bytes(values[at]).min() < CLEAR:
        account.declare("transparency")


def _colors_first(values: Array, starts: Array, at: int, least: int) -> bool:
    """Whether colours stand before the normals, as MeshLab writes them: bytes in front, and none
    behind."""
    front, back = (
        values[starts[:, None] + np.arange(at, at + 3)],
        values[starts[:, None] + np.arange(least - 3, least)],
    )
    return least >= at + 6 and bool(
        (front == np.round(front)).all() and _like_colors(front) and not _like_colors(back)
    )


def _like_colors(values: Array) -> bool:
    return bool((values >= 0).all() and (values <= 255).all())


def _bytes(values: Array) -> Array:
    """Colours as OFF writes them: whole numbers are bytes, fractions are shares."""
    return to_bytes(
        values
        if (values != np.round(values)).any() or values.max(initial=0) <= 1
        else values.astype(np.int64)
    )


def _faces(
    name: str, values: Array, starts: Array, counts: Array, points: Part, account: Account
) -> Part:
    if not len(starts):
        return points
    many = np.nan_to_num(values[starts], nan=-1).astype(np.int64)
    if ((many < 0) | (many + 1 > counts)).any():
        row = int(np.flatnonzero((many < 0) | (many + 1 > counts))[0])
        raise damaged(name, f"face {row + 1} has fewer corners than it says")
    account.arrive(
        "faces", "", int((many >= 1).sum()) if (many < 3).all() else int((many >= 3).sum())
    )
    flat = np.repeat(starts + 1 - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
    corners = checked(name, values[flat].astype(np.int64), len(points.vertices))
    triangles, owner = triangulate(points.vertices[corners], many)
    colored = counts - many - 1 >= 3
    if colored.any() and points.colors is not None and (points.colors != 255).any():
        account.remark("its vertices have colours besides those of its faces, which were taken")
    _say_transparent(values, (starts + many + 1)[counts - many - 1 >= 4] + 3, account)
    if not colored.any():
        if ((extra := counts - many - 1) == 1).any() and extra.max() == 1:
            account.declare("attribute", "the number of each face in a table of colours")
        return Part(points.vertices, corners[triangles], points.colors, points.normals, points.uv)
    after = starts + many + 1
    colors = np.full((len(starts), 3), 180, np.uint8)
    colors[colored] = _bytes(values[after[colored][:, None] + np.arange(3)])
    slots = triangles.ravel()
    own = np.repeat(colors[owner], 3, axis=0)
    first, vertex = joined_corners(
        [corners[slots], own.astype(np.int64) @ np.array([65536, 256, 1])]
    )
    which = corners[slots][first]
    normals = None if points.normals is None else points.normals[which]
    return Part(points.vertices[which], vertex.reshape(-1, 3), own[first], normals)
