"""The faces of OBJ: indices in every way of writing them, and the parts that they make, one for
each material."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers import mtl
from pipeline.geometry.readers.objindices import _absolute, _indices, optional
from pipeline.geometry.readers.parts import Part, joined_corners, one_paint
from pipeline.geometry.readers.polygons import triangulate
from pipeline.geometry.readers.textlines import Lines
from pipeline.geometry.readers.textnumbers import columns

Array = NDArray[Any]


class Vertices(NamedTuple):
    """painted: which vertices have a colour of their own, where not all have."""

    places: Array
    colors: Array | None
    painted: Array | None


def parts(
    name: str,
    lines: Lines,
    at: Array,
    faces: Array,
    vertices: Vertices,
    looks: list[mtl.Look],
    used: Array,
    account: Account,
) -> list[Part]:
    """AT: the lines of vertices, FACES: of faces; USED: the number of the look of each face."""
    index, counts = _indices(name, lines, faces)
    account.declare("faces", "", len(counts))
    account.arrive("faces", "", int((counts >= 3).sum()))
    line_of = np.repeat(faces, counts)
    corner = _absolute(name, index[0], at, line_of, len(at), account)
    uv_lines, normal_lines = lines.beginning(b"vt"), lines.beginning(b"vn")
    uv_at = optional(index[1], uv_lines, line_of, "texture coordinates", account)
    normal_at = optional(index[2], normal_lines, line_of, "normals", account)
    if not any(look.material.image is not None for look in looks):
        uv_at = None  # without a picture they only cut the surface up
    uv = (
        columns(name, "texture coordinate", lines.block(uv_lines, 2), 2)
        if uv_at is not None
        else None
    )
    normals = (
        columns(name, "normal", lines.block(normal_lines, 2), 3) if normal_at is not None else None
    )
    triangles, owner = triangulate(vertices.places[corner], counts)
    made = []
    for number in np.unique(used):
        mine = triangles[used[owner] == number] if len(looks) > 1 else triangles
        if len(mine):
            look = looks[int(number)]
            laid_at = uv_at if look.material.image is not None else None
            _say_unlaid(laid_at, mine, look, account)
            made.append(
                one_paint(
                    _part(mine, corner, laid_at, normal_at, vertices, uv, normals, look), account
                )
            )
    return made


def _say_unlaid(uv_at: Array | None, triangles: Array, look: mtl.Look, account: Account) -> None:
    if look.material.image is not None and (uv_at is None or (uv_at[triangles] < 0).any()):
        account.declare("part", "a texture on faces without texture coordinates")


def _part(
    triangles: Array,
    corner: Array,
    uv_at: Array | None,
    normal_at: Array | None,
    vertices: Vertices,
    uv: Array | None,
    normals: Array | None,
    look: mtl.Look,
) -> Part:
    """The triangles of one material; corners that agree in place, uv and normal are one vertex."""
    slots = triangles.ravel()
    columns = [corner[slots], *(at[slots] for at in (uv_at, normal_at) if at is not None)]
    if len(columns) > 1 and all(np.array_equal(columns[0], other) for other in columns[1:]):
        columns = columns[:1]
    first, vertex = joined_corners(columns)
    here = slots[first]
    laid = None
    if uv is not None and uv_at is not None and (uv_at[here] >= 0).any():
        laid = uv[np.maximum(uv_at[here], 0)] * look.scale + look.offset
    turned = (
        normals[normal_at[here]]
        if normals is not None and normal_at is not None and (normal_at[here] >= 0).all()
        else None
    )
    which = corner[here]
    return Part(
        vertices.places[which],
        vertex.reshape(-1, 3),
        None if vertices.colors is None else vertices.colors[which],
        turned,
        laid,
        look.material,
        None if vertices.painted is None else vertices.painted[which],
    )
