"""PLY meshes: polygons, strips, colours and uv of vertices, of faces and of corners, under all
names that programs give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import ply, shifts, unit_words
from pipeline.formats.account import Account
from pipeline.geometry.readers import plydeclared
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import Contents, Part, checked, damaged, to_bytes
from pipeline.geometry.readers.pictures import CLEAR, opened
from pipeline.geometry.readers.plydeclared import ALPHA, INDICES, corners_of
from pipeline.geometry.readers.plylists import Table
from pipeline.geometry.readers.plypaint import (
    COLORS,
    NORMALS,
    UV,
    columns,
    material_colors,
    painted,
)
from pipeline.geometry.readers.plytable import tables
from pipeline.geometry.readers.polygons import triangulate

Array = NDArray[Any]


def read(name: str, path: Path, beside: Companions) -> Contents:
    """Everything that makes a surface; what else the header declares is named."""
    data = path.read_bytes()
    header = ply.read(data[: 1 << 16])
    if header is None:
        raise damaged(name, "its header does not end")
    found, left, extra = tables(name, data, header)
    if "vertex" not in found:
        raise damaged(name, "its header names no vertices")
    account = Account(name)
    plydeclared.declare(header, found, account)
    if extra:
        account.remark(
            "its rows hold more numbers than its header speaks of; the last ones were not read"
        )
    if left > (2 if header.order else 0):
        account.remark(
            f"{left} {'bytes' if header.order else 'lines'} follow the rows that its header"
            " declares; they were not read"
        )
    said = "\n".join(header.comments)
    shifts.tell(said, account)
    unit = unit_words.said(said.encode())
    return Contents(_parts(name, found, header, beside, account), account, unit)


def _parts(
    name: str, found: dict[str, Table], header: ply.PlyHeader, beside: Companions, account: Account
) -> list[Part]:
    vertex = found["vertex"]
    points = columns(vertex, ("x", "y", "z"))
    if points is None:
        raise damaged(name, "its vertices have no x, y and z")
    colors, normals, uv = (columns(vertex, *groups) for groups in (COLORS, NORMALS, UV))
    if colors is None:
        colors = material_colors(vertex, found)
    whole = Part(
        points.astype(np.float64),
        np.zeros((0, 3), np.int64),
        None if colors is None else to_bytes(colors, account),
        normals,
        None if uv is None else uv.astype(np.float64),
    )
    _say_transparent(vertex, account)
    corners, counts, face = _polygons(name, found, len(points), account)
    triangles, owner = triangulate(whole.vertices[corners], counts)
    if not len(triangles):
        return [whole]
    files = [
        text.split(None, 1)[1]
        for text in header.comments
        if text.lower().startswith("texturefile ") and len(text.split(None, 1)) > 1
    ]
    images = [opened(one, beside, account) for one in files]
    return painted(whole, corners, triangles, owner, face, images, found, account)


def _say_transparent(vertex: Table, account: Account) -> None:
    alpha = next((vertex.columns[key] for key in ALPHA if key in vertex.columns), None)
    if alpha is not None and len(alpha) and to_bytes(alpha).min() < CLEAR:
        account.declare("transparency")


def _polygons(
    name: str, found: dict[str, Table], count: int, account: Account
) -> tuple[Array, Array, Table | None]:
    """Corners one after another, how many each polygon has, and the table of the faces where they
    are its rows."""
    face, strips = found.get("face"), found.get("tristrips")
    corners, many = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if face is not None and face.rows:
        account.declare("faces", "", face.rows)
        if label := corners_of(face):
            many, corners = face.lists[label][0], _whole(name, face.lists[label][1])
            if label not in INDICES:
                account.remark(f"its list {label} was taken for the corners of its faces")
        account.arrive("faces", "", int((many >= 3).sum()))
    if strips is not None and strips.rows:
        flat = [_strip(part) for part in _split(strips)]
        made = np.concatenate(flat or [np.zeros((0, 3), np.int64)])
        if len(corners):
            account.remark(
                "its faces were read with its strips, without what stands at faces alone"
            )
        corners = np.concatenate([corners, made.ravel()])
        many, face = np.concatenate([many, np.full(len(made), 3)]), None
    return checked(name, corners, count), many, face if len(corners) else None


def _whole(name: str, flat: Array) -> Array:
    if flat.dtype.kind == "f" and not (np.isfinite(flat).all() and (flat == np.round(flat)).all()):
        raise damaged(name, "the corners of its faces are no whole numbers")
    return flat.astype(np.int64)


def _split(strips: Table) -> list[Array]:
    """The strips of all rows; -1 begins the next one."""
    found = next((strips.lists[label] for label in INDICES if label in strips.lists), None)
    if found is None:
        return []
    many, flat = found
    flat = flat.astype(np.int64)
    breaks = np.flatnonzero(flat == -1)
    ends = np.unique(np.concatenate([np.cumsum(many), breaks]))
    return [part[part != -1] for part in np.split(flat, ends)]


def _strip(corners: Array) -> Array:
    """The triangles of a strip: every second one is turned over; those without an area only lead
    on."""
    if len(corners) < 3:
        return np.zeros((0, 3), np.int64)
    made = np.stack([corners[:-2], corners[1:-1], corners[2:]], axis=1)
    made[1::2, :2] = made[1::2, 1::-1]
    real = (made[:, 0] != made[:, 1]) & (made[:, 1] != made[:, 2]) & (made[:, 2] != made[:, 0])
    return np.asarray(made[real])
