"""The colours and pictures of PLY meshes: at vertices, faces and corners, by materials."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers.parts import (
    Material,
    Part,
    joined_corners,
    one_paint,
    side_by_side,
    to_bytes,
)
from pipeline.geometry.readers.plylists import Table

Array = NDArray[Any]
COLORS = (
    ("red", "green", "blue"),
    ("r", "g", "b"),
    ("diffuse_red", "diffuse_green", "diffuse_blue"),
)
NORMALS = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"), ("tx", "ty"))


def whole(names: Collection[str], *groups: tuple[str, ...]) -> set[str]:
    """Those of NAMES that belong to a set of columns that is all there."""
    return {label for group in groups if all(each in names for each in group) for label in group}


def columns(table: Table, *groups: tuple[str, ...]) -> Array | None:
    """The first of the sets of columns that is all there, stacked (N,C); None where none is."""
    for group in groups:
        if all(label in table.columns for label in group):
            return side_by_side([table.columns[label] for label in group])
    return None


def painted(
    whole: Part,
    corners: Array,
    triangles: Array,
    owner: Array,
    face: Table | None,
    images: list[Any],
    found: dict[str, Table],
    account: Account,
) -> list[Part]:
    """Parts by picture; colours and uv that stand at faces or corners give each corner a vertex of
    its own."""
    face_colors = None if face is None else columns(face, *COLORS)
    if face_colors is None and face is not None:
        face_colors = material_colors(face, found)
    if face_colors is not None and whole.colors is not None and (whole.colors != 255).any():
        account.remark("its vertices have colours besides those of its faces, which were taken")
    uv = _corner_uv(face, corners, found) if face is not None else None
    made = []
    for mine, image in _by_picture(face, owner, images):
        slots, color = triangles[mine].ravel(), None
        if face_colors is not None:
            color = np.repeat(to_bytes(face_colors, account)[owner[mine]], 3, axis=0)
        if image is not None and uv is None and whole.uv is None:
            account.declare("part", "a texture on faces without texture coordinates")
        laid = None if uv is None else uv[slots]
        made.append(one_paint(_cornered(whole, corners, slots, color, laid, image), account))
    return made


def _by_picture(
    face: Table | None, owner: Array, images: list[Any]
) -> Iterator[tuple[Array | slice, Any]]:
    """(the triangles that show it, the picture or None) for each picture that is shown."""
    number = face.columns.get("texnumber") if face is not None else None
    if number is None or len(images) < 2:
        yield slice(None), images[0] if images else None
        return
    which = np.clip(number[owner].astype(np.int64), 0, len(images) - 1)
    for picture in np.unique(which):
        yield which == picture, images[int(picture)]


def _used(whole: Part, corners: Array) -> Part:
    """The vertices of WHOLE that CORNERS use, and the faces that these make."""
    used = np.zeros(len(whole.vertices), bool)
    used[corners] = True
    if used.all():
        return replace(whole, faces=corners.reshape(-1, 3))
    number = np.cumsum(used) - 1
    cut: dict[str, Any] = {
        label: None if (value := getattr(whole, label)) is None else value[used]
        for label in ("vertices", "colors", "normals", "uv")
    }
    return replace(whole, faces=number[corners].reshape(-1, 3), **cut)


def _cornered(
    whole: Part, corners: Array, slots: Array, color: Array | None, uv: Array | None, image: Any
) -> Part:
    material = Material(image=image)
    if color is None and uv is None:
        return replace(_used(whole, corners[slots]), material=material)
    columns = [corners[slots]]
    if color is not None:
        columns.append(color.astype(np.int64) @ np.array([65536, 256, 1]))
    if uv is not None:
        columns.append(np.unique(uv, axis=0, return_inverse=True)[1].reshape(-1))
    first, vertex = joined_corners(columns)
    which = corners[slots][first]
    colors = (
        color[first] if color is not None else None if whole.colors is None else whole.colors[which]
    )
    normals = None if whole.normals is None else whole.normals[which]
    laid = uv[first] if uv is not None else None if whole.uv is None else whole.uv[which]
    return Part(whole.vertices[which], vertex.reshape(-1, 3), colors, normals, laid, material)


def material_colors(of: Table, found: dict[str, Table]) -> Array | None:
    """Colours of faces or vertices by the number of their material."""
    number, table = of.columns.get("material_index"), found.get("material")
    colors = (
        None
        if table is None
        else columns(table, *COLORS, ("diffuse_red", "diffuse_green", "diffuse_blue"))
    )
    if number is None or colors is None or not len(colors):
        return None
    return to_bytes(colors)[np.clip(number.astype(np.int64), 0, len(colors) - 1)]


def _corner_uv(face: Table, corners: Array, found: dict[str, Table]) -> Array | None:
    """uv of each corner: a list of the face, or numbers of rows of multi_texture_vertex."""
    many, flat = face.lists.get("texcoord", (None, None))
    if many is not None and flat is not None and len(flat) == 2 * len(corners):
        return np.asarray(flat, np.float64).reshape(-1, 2)
    many, flat = face.lists.get(
        "texture_vertex_indices", face.lists.get("multi_texture_vertex_indices", (None, None))
    )
    table = found.get("multi_texture_vertex")
    if table is None or flat is None or len(flat) != len(corners):
        return None
    uv = columns(table, *UV)
    return (
        None
        if uv is None
        else uv.astype(np.float64)[np.clip(flat.astype(np.int64), 0, len(uv) - 1)]
    )
