"""PLY meshes: polygons, strips, colours and uv of vertices, of faces and of corners, under all
names that programs give them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import ply, unit_words
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.declared import Ledger
from pipeline.geometry.readers.parts import (
    Contents,
    Material,
    Part,
    checked,
    damaged,
    joined_corners,
    one_paint,
    to_bytes,
)
from pipeline.geometry.readers.pictures import opened
from pipeline.geometry.readers.plytable import Table, tables
from pipeline.geometry.readers.polygons import triangulate

Array = NDArray[Any]
COLORS = (
    ("red", "green", "blue"),
    ("r", "g", "b"),
    ("diffuse_red", "diffuse_green", "diffuse_blue"),
)
NORMALS = (("nx", "ny", "nz"), ("normal_x", "normal_y", "normal_z"))
UV = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"), ("texture_s", "texture_t"), ("tx", "ty"))
INDICES = ("vertex_indices", "vertex_index", "vertex_indexes")
SPLATS = frozenset({"f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "rot_0"})
# Elements and properties that say nothing about shape or colour.
SILENT = frozenset(
    {
        "x",
        "y",
        "z",
        "alpha",
        "a",
        "diffuse_alpha",
        "flags",
        "confidence",
        "intensity",
        "quality",
        "material_index",
        "texnumber",
    }
)
SILENT_ELEMENTS = frozenset(
    {"vertex", "face", "tristrips", "material", "range_grid", "camera", "multi_texture_vertex"}
)


def read(name: str, path: Path, beside: Companions) -> Contents:
    """Everything that makes a surface; what else the header declares is named."""
    data = path.read_bytes()
    header = ply.read(data[: 1 << 16])
    if header is None:
        raise damaged(name, "its header does not end")
    found, left, extra = tables(name, data, header)
    if "vertex" not in found:
        raise damaged(name, "its header names no vertices")
    ledger = Ledger()
    _declare(header, ledger)
    if extra:
        ledger.note(
            "its rows hold more numbers than its header speaks of; the last ones were not read"
        )
    if left > (2 if header.order else 0):
        ledger.note(
            f"{left} {'bytes' if header.order else 'lines'} follow the rows that its header"
            " declares; they were not read"
        )
    unit = unit_words.said("\n".join(header.comments).encode())
    return Contents(_parts(name, found, header, beside, ledger), ledger, unit)


def _declare(header: ply.PlyHeader, ledger: Ledger) -> None:
    known = {label for group in (*COLORS, *NORMALS, *UV) for label in group} | SILENT
    for element in header.elements:
        if element.name not in SILENT_ELEMENTS and element.rows:
            (
                ledger.declare("lines", "", element.rows)
                if element.name == "edge"
                else ledger.declare("part", f"element {element.name}")
            )
        names = {each.name.lower() for each in element.properties}
        if names >= SPLATS:
            ledger.declare(
                "part",
                "what makes its points Gaussian splats (scales, turns, opacity, spherical"
                " harmonics)",
            )
        elif element.name == "vertex":
            for other in sorted(names - known):
                ledger.declare("attribute", f"the vertices' {other}")


def _columns(table: Table, *groups: tuple[str, ...]) -> Array | None:
    for group in groups:
        if all(label in table.columns for label in group):
            return np.stack([table.columns[label] for label in group], axis=1)
    return None


def _parts(
    name: str, found: dict[str, Table], header: ply.PlyHeader, beside: Companions, ledger: Ledger
) -> list[Part]:
    vertex = found["vertex"]
    points = _columns(vertex, ("x", "y", "z"))
    if points is None:
        raise damaged(name, "its vertices have no x, y and z")
    colors, normals, uv = (_columns(vertex, *groups) for groups in (COLORS, NORMALS, UV))
    whole = Part(
        points.astype(np.float64),
        np.zeros((0, 3), np.int64),
        None if colors is None else to_bytes(colors),
        normals,
        None if uv is None else uv.astype(np.float64),
    )
    corners, counts, face = _polygons(name, found, len(points), ledger)
    triangles, owner = triangulate(whole.vertices[corners], counts)
    if not len(triangles):
        return [whole]
    files = [
        text.split(None, 1)[1]
        for text in header.comments
        if text.lower().startswith("texturefile ") and len(text.split(None, 1)) > 1
    ]
    images = [opened(one, beside, ledger) for one in files]
    return _painted(name, whole, corners, triangles, owner, face, images, found, ledger)


def _polygons(
    name: str, found: dict[str, Table], count: int, ledger: Ledger
) -> tuple[Array, Array, Table | None]:
    """Corners one after another, how many each polygon has, and the table of the faces where they
    are its rows."""
    face, strips = found.get("face"), found.get("tristrips")
    if face is not None and face.rows:
        ledger.declare("faces", "", face.rows)
        found_list = next((face.lists[label] for label in INDICES if label in face.lists), None)
        if found_list is None:
            ledger.arrive("faces", "", 0)
            return np.zeros(0, np.int64), np.zeros(0, np.int64), None
        many, flat = found_list
        ledger.arrive("faces", "", int((many >= 3).sum()))
        return checked(name, _whole(name, flat), count), many, face
    if strips is not None and strips.rows:
        corners = [_strip(part) for part in _split(strips)]
        flat = np.concatenate(corners) if corners else np.zeros((0, 3), np.int64)
        return checked(name, flat.ravel(), count), np.full(len(flat), 3), None
    return np.zeros(0, np.int64), np.zeros(0, np.int64), None


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


# -- colours -----------------------------------------------------------------------------------


def _painted(
    name: str,
    whole: Part,
    corners: Array,
    triangles: Array,
    owner: Array,
    face: Table | None,
    images: list[Any],
    found: dict[str, Table],
    ledger: Ledger,
) -> list[Part]:
    """Parts by picture; colours and uv that stand at faces or corners give each corner a vertex of
    its own."""
    face_colors = None if face is None else _columns(face, *COLORS)
    if face_colors is None and face is not None:
        face_colors = _material_colors(face, found)
    uv = _corner_uv(face, corners, found) if face is not None else None
    number = face.columns.get("texnumber") if face is not None else None
    which = (
        np.zeros(len(triangles), np.int64)
        if number is None or not images
        else np.clip(number[owner].astype(np.int64), 0, len(images) - 1)
    )
    made = []
    for picture in np.unique(which):
        mine = which == picture
        image = images[int(picture)] if images else None
        slots = triangles[mine].ravel()
        color = (
            None
            if face_colors is None
            else np.repeat(to_bytes(face_colors)[owner[mine]], 3, axis=0)
        )
        if image is not None and uv is None and whole.uv is None:
            ledger.declare("part", "a texture on faces without texture coordinates")
        made.append(
            one_paint(
                _cornered(whole, corners, slots, color, None if uv is None else uv[slots], image),
                ledger,
            )
        )
    return made


def _cornered(
    whole: Part, corners: Array, slots: Array, color: Array | None, uv: Array | None, image: Any
) -> Part:
    material = Material(image=image)
    if color is None and uv is None:
        first, packed = joined_corners([corners[slots]])
        used = corners[slots][first]
        keep = used if len(used) < len(whole.vertices) else slice(None)
        faces = (
            packed.reshape(-1, 3)
            if len(used) < len(whole.vertices)
            else corners[slots].reshape(-1, 3)
        )
        cut = {
            label: None if (value := getattr(whole, label)) is None else value[keep]
            for label in ("colors", "normals", "uv")
        }
        return replace(whole, vertices=whole.vertices[keep], faces=faces, material=material, **cut)
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


def _material_colors(face: Table, found: dict[str, Table]) -> Array | None:
    """Colours of faces by the number of their material."""
    number, table = face.columns.get("material_index"), found.get("material")
    colors = (
        None
        if table is None
        else _columns(table, *COLORS, ("diffuse_red", "diffuse_green", "diffuse_blue"))
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
    uv = _columns(table, *UV)
    return (
        None
        if uv is None
        else uv.astype(np.float64)[np.clip(flat.astype(np.int64), 0, len(uv) - 1)]
    )
