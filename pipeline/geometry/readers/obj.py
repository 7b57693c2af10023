"""OBJ: every way of writing indices, colours of some vertices, continued lines; read in blocks by
numpy."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import unit_words
from pipeline.geometry.readers import mtl
from pipeline.geometry.readers.companions import Companions, text_of
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
from pipeline.geometry.readers.polygons import triangulate
from pipeline.geometry.readers.textlines import Lines, numbers, parsed, plain, words

Array = NDArray[Any]
# names that programs give to having none
NO_MATERIAL = (b"none", b"(null)", b"default", b"default_material", b"defaultmat")
FREE_FORM = (b"curv", b"curv2", b"surf", b"cstype", b"vp")


class _Vertices(NamedTuple):
    places: Array
    colors: Array | None
    painted: Array | None


def read(name: str, path: Path, beside: Companions) -> Contents:
    """Polygons, their uv and normals, colours of vertices, and the base colours of materials.
    Points and lines are counted."""
    data = path.read_bytes()
    if b"\0" in data[: 1 << 16] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputRejected(f"{name} is not an OBJ file: it is not text")
    data = plain(data)
    if b"\\\n" in data or b"\\ " in data:
        data = re.sub(rb"\\ *\n", b" ", data)
    lines, ledger = Lines(data), Ledger()
    at = lines.beginning(b"v")
    if not len(at):
        raise InputRejected(f"{name} is not an OBJ file: no line of it is a vertex")
    vertices = _vertices(name, lines.block(at, 1))
    if b"#MRGB " in data and vertices.colors is None:
        vertices = vertices._replace(colors=_polypaint(lines, len(at), ledger))
    for word in FREE_FORM:
        if count := len(lines.beginning(word)):
            ledger.declare("part", f"free-form geometry ({word.decode()}, {count} lines)")
    ledger.declare("lines", "", len(lines.beginning(b"l")))
    faces = np.sort(np.concatenate([lines.beginning(b"f"), lines.beginning(b"fo")]))
    if not len(faces):
        normals = _of_points(name, lines, len(at), ledger)
        return Contents(
            [Part(vertices.places, np.zeros((0, 3), np.int64), vertices.colors, normals)],
            ledger,
            _unit(data),
        )
    ledger.declare("points", "", _corners_of(lines, b"p"))
    return Contents(_parts(name, lines, at, faces, vertices, beside, ledger), ledger, _unit(data))


def _unit(data: bytes) -> str | None:
    """As a comment in front says it; SketchUp writes "# File units = inches"."""
    return unit_words.said(
        b"\n".join(line for line in data[: 1 << 14].split(b"\n") if line.startswith(b"#"))
    )


def _of_points(name: str, lines: Lines, count: int, ledger: Ledger) -> Array | None:
    """The normals of points that no face uses: one for each, as MeshLab writes them."""
    rows = lines.beginning(b"vn")
    if len(rows) != count:
        if len(rows):
            ledger.declare("attribute", f"normals ({len(rows)} lines for {count} points)")
        return None
    return _columns(name, "normal", lines.block(rows, 2), 3)


def _corners_of(lines: Lines, word: bytes) -> int:
    return sum(len(lines.text(int(line)).split()) - 1 for line in lines.beginning(word))


def _polypaint(lines: Lines, count: int, ledger: Ledger) -> Array | None:
    """ZBrush's colours of vertices: comments of eight hexadecimal digits a vertex, mask and red,
    green, blue."""
    written = b"".join(lines.text(int(line))[6:].strip() for line in lines.beginning(b"#MRGB"))
    if len(written) == 8 * count and re.fullmatch(rb"[0-9a-fA-F]*", written):
        return np.frombuffer(bytes.fromhex(written.decode()), np.uint8).reshape(-1, 4)[:, 1:].copy()
    ledger.declare("attribute", f"ZBrush's paint of {len(written) // 8} of {count} vertices")
    return None


def _vertices(name: str, block: bytes) -> _Vertices:
    values, counts = numbers(name, "vertex", block)
    first = np.cumsum(counts) - counts
    if (counts < 3).any():
        raise damaged(
            name,
            f"vertex {int(np.argmax(counts < 3)) + 1} has {int(counts[counts < 3][0])} coordinates",
        )
    even = bool((counts == counts[0]).all())
    places = (
        values.reshape(len(counts), -1)[:, :3].copy()
        if even
        else values[first[:, None] + np.arange(3)]
    )
    painted = counts >= 6
    if not painted.any():
        return _Vertices(places, None, None)
    colors = np.full((len(counts), 3), 255, np.uint8)
    after = first[painted] + np.where(counts[painted] == 8, 4, 3)
    colors[painted] = to_bytes(values[after[:, None] + np.arange(3)])
    return _Vertices(places, colors, None if painted.all() else painted)


# -- faces -------------------------------------------------------------------------------------


def _parts(
    name: str,
    lines: Lines,
    at: Array,
    faces: Array,
    vertices: _Vertices,
    beside: Companions,
    ledger: Ledger,
) -> list[Part]:
    index, counts = _indices(name, lines, faces)
    ledger.declare("faces", "", len(counts))
    ledger.arrive("faces", "", int((counts >= 3).sum()))
    looks, used = _materials(lines, faces, beside, ledger)
    line_of = np.repeat(faces, counts)
    corner = _absolute(name, index[0], at, line_of, len(at), ledger)
    uv_lines, normal_lines = lines.beginning(b"vt"), lines.beginning(b"vn")
    uv_at = _optional(index[1], uv_lines, line_of, "texture coordinates", ledger)
    normal_at = _optional(index[2], normal_lines, line_of, "normals", ledger)
    if not any(look.material.image is not None for look in looks):
        uv_at = None  # without a picture they only cut the surface up
    uv = (
        _columns(name, "texture coordinate", lines.block(uv_lines, 2), 2)
        if uv_at is not None
        else None
    )
    normals = (
        _columns(name, "normal", lines.block(normal_lines, 2), 3) if normal_at is not None else None
    )
    triangles, owner = triangulate(vertices.places[corner], counts)
    made = []
    for number in np.unique(used):
        mine = triangles[used[owner] == number] if len(looks) > 1 else triangles
        if len(mine):
            look = looks[int(number)]
            laid_at = uv_at if look.material.image is not None else None
            _say_unlaid(laid_at, mine, look, ledger)
            made.append(
                one_paint(
                    _part(mine, corner, laid_at, normal_at, vertices, uv, normals, look), ledger
                )
            )
    return made


def _say_unlaid(uv_at: Array | None, triangles: Array, look: mtl.Look, ledger: Ledger) -> None:
    if look.material.image is not None and (uv_at is None or (uv_at[triangles] < 0).any()):
        ledger.declare("part", "a texture on faces without texture coordinates")


def _part(
    triangles: Array,
    corner: Array,
    uv_at: Array | None,
    normal_at: Array | None,
    vertices: _Vertices,
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


def _indices(name: str, lines: Lines, faces: Array) -> tuple[list[Array | None], Array]:
    """Indices (N,) of vertices, uv and normals as they stand, 0 or None for none, and the corners
    of each face."""
    skip = 2 if len(lines.beginning(b"fo")) else 1
    block = lines.block(faces, skip)
    if b"#" in block:
        block = re.sub(rb"#[^\n]*", b"", block)
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
    name: str, index: Array | None, at: Array, line_of: Array, count: int, ledger: Ledger
) -> Array:
    """Vertex numbers from 0. Negative ones count back from their own line; a file that uses 0 and
    never its last number counts from 0."""
    assert index is not None
    if (index == 0).any():
        if index.min() < 0 or index.max() >= count:
            raise damaged(name, "a face has the index 0, and OBJ counts its vertices from 1")
        ledger.note("its faces use the index 0, so all indices were taken to count from 0")
        return index
    back = index < 0
    absolute = index - 1
    if back.any():
        absolute[back] = np.searchsorted(at, line_of[back]) + index[back]
    return checked(name, absolute, count)


def _optional(
    index: Array | None, at: Array, line_of: Array, what: str, ledger: Ledger
) -> Array | None:
    """Numbers from 0 of uv or normals, -1 where a corner has none; None where no corner has one."""
    if index is None or not index.any():
        if len(at):
            ledger.declare("part", f"{what} ({len(at)} lines that no face uses)")
        return None
    absolute = np.where(index > 0, index - 1, -1)
    back = index < 0
    if back.any():
        absolute[back] = np.searchsorted(at, line_of[back]) + index[back]
    wrong = (absolute >= len(at)) | (back & (absolute < 0))
    if wrong.any():
        ledger.note(f"{int(wrong.sum())} corners name {what} that are not there")
        absolute[wrong] = -1
    return absolute if (absolute >= 0).any() else None


def _columns(name: str, what: str, block: bytes, wanted: int) -> Array:
    values, counts = numbers(name, what, block)
    if (counts < min(wanted, 1 if wanted == 2 else wanted)).any():
        raise damaged(name, f"{what} {int(np.argmin(counts)) + 1} has too few numbers")
    first = np.cumsum(counts) - counts
    columns = [
        np.where(counts > k, values[np.minimum(first + k, len(values) - 1)], 0.0)
        for k in range(wanted)
    ]
    return np.stack(columns, axis=1)


# -- materials ---------------------------------------------------------------------------------


def _materials(
    lines: Lines, faces: Array, beside: Companions, ledger: Ledger
) -> tuple[list[mtl.Look], Array]:
    """The looks that faces use, and the number of the look of each face."""
    known = _libraries(lines, beside, ledger)
    switches = lines.beginning(b"usemtl")
    said = [lines.text(int(line))[7:].strip() for line in switches]
    names = list(dict.fromkeys(said))
    # the very name wins over one in other letters
    folded = {one.lower(): look for one, look in known.items()} | known
    looks = [
        mtl.Look(Material()),
        *(
            folded.get(one, folded.get(one.lower(), mtl.Look(Material(text_of(one)))))
            for one in names
        ),
    ]
    numbers_of = np.array([0, *(names.index(one) + 1 for one in said)])
    used = numbers_of[np.searchsorted(switches, faces)]
    for number in np.unique(used):
        if number and (missing := names[number - 1]) and missing.lower() not in NO_MATERIAL:
            ledger.declare("material", text_of(missing))
            ledger.arrive("material", text_of(missing), int(missing.lower() in folded))
    return looks, used


def _libraries(lines: Lines, beside: Companions, ledger: Ledger) -> dict[bytes, mtl.Look]:
    known: dict[bytes, mtl.Look] = {}
    named = lines.beginning(b"mtllib")
    for line in named:
        whole = lines.text(int(line))[7:].strip()
        for reference in (
            [whole]
            if beside.find(whole, (".mtl",))
            else re.split(rb"(?<=\.mtl)\s+", whole, flags=re.I)
        ):
            short = text_of(reference).replace("\\", "/").rpartition("/")[2]
            ledger.declare("material file", short)
            found = beside.find(reference, (".mtl",))
            if found:
                ledger.arrive("material file", short)
                known.update(
                    mtl.read(beside.files[found].read_bytes(), beside.below(found), ledger)
                )
    lone = [
        file for file in beside.files if file.lower().endswith(".mtl") and file not in beside.used
    ]
    if not known and len(lone) == 1 and len(lines.beginning(b"usemtl")):
        own = mtl.read(beside.files[lone[0]].read_bytes(), beside.below(lone[0]), ledger)
        beside.used.add(lone[0])
        why = "is not there" if len(named) else "is not named"
        ledger.note(
            f"its material file {why}; {PurePosixPath(lone[0]).name}, the only one beside it, was"
            " taken"
        )
        return own
    return known
