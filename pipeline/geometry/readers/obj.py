"""OBJ: every way of writing indices, colours of some vertices, continued lines; read in blocks by
numpy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import unit_words
from pipeline.formats.account import Account
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.objfaces import Vertices, parts
from pipeline.geometry.readers.objlooks import materials
from pipeline.geometry.readers.parts import Contents, Part, damaged, to_bytes
from pipeline.geometry.readers.textlines import Lines, other_lines, plain
from pipeline.geometry.readers.textnumbers import columns, numbers

Array = NDArray[Any]
# Lines that go on behind a backslash: those of numbers. A comment or a name that ends with one is
# the path of a folder.
CONTINUED = re.compile(
    rb"^(?! *(?:#|(?:[og]|mtllib|usemtl|usemap|maplib) ))(?:[^\n]*\\ *\n)+", re.M
)
CAPITALS = re.compile(rb"(?m)^ *(?:V[TN]?|F)(?= )")  # no program that is known, but people
FREE_FORM = (b"curv", b"curv2", b"surf", b"cstype", b"vp")
# what a line may begin with that is read or says nothing about shape and colour
KNOWN = re.compile(
    rb"v[tnp]?|fo?|[lpgos]|#.*|mg|mtllib|usemtl|usemap|maplib|lod|bevel|shadow_obj|trace_obj"
    rb"|[cd]_interp|curv2?|surf|cstype|deg|bmat|step|parm|trim|hole|scrv|sp|con|end|[cs]tech",
    re.I,
)


def read(name: str, path: Path, beside: Companions) -> Contents:
    """Polygons, their uv and normals, colours of vertices, and the base colours of materials.
    Points and lines are counted, lines of other kinds named."""
    data = plain(path.read_bytes())
    if b"\0" in data[: 1 << 16]:
        raise InputRejected(f"{name} is not an OBJ file: it is not text")
    if b"\\" in data and re.search(rb"\\ *\n", data):
        data = CONTINUED.sub(lambda found: re.sub(rb"\\ *\n", b" ", found[0]), data)
    lines, account = Lines(data), Account(name)
    at = lines.beginning(b"v")
    if not len(at) and len(lines.beginning(b"V")):
        lines = Lines(CAPITALS.sub(lambda found: found[0].lower(), data))
        at = lines.beginning(b"v")
    if not len(at):
        raise InputRejected(f"{name} is not an OBJ file: no line of it is a vertex")
    vertices = _vertices(name, lines.block(at, 1), account)
    if vertices.colors is None and len(painted := lines.beginning(b"#MRGB")):
        vertices = vertices._replace(colors=_polypaint(lines, painted, len(at), account))
    _declare(lines, account)
    faces = lines.beginning(b"f")
    if len(others := lines.beginning(b"fo")):
        faces = np.sort(np.concatenate([faces, others]))
    if not len(faces):
        normals = _of_points(name, lines, len(at), account)
        points = Part(vertices.places, np.zeros((0, 3), np.int64), vertices.colors, normals)
        return Contents([points], account, _unit(data))
    account.declare("points", "", _corners_of(lines, b"p"))
    looks, used = materials(lines, faces, beside, account)
    return Contents(
        parts(name, lines, at, faces, vertices, looks, used, account), account, _unit(data)
    )


def _declare(lines: Lines, account: Account) -> None:
    """What the file speaks of that is no surface."""
    for word in FREE_FORM:
        if count := len(lines.beginning(word)):
            account.declare("part", f"free-form geometry ({word.decode()}, {count} lines)")
    account.declare("lines", "", len(lines.beginning(b"l")))
    other_lines(lines, b"vf#gso\n", KNOWN, account)


def _unit(data: bytes) -> str | None:
    """As a comment in front says it; SketchUp writes "# File units = inches"."""
    return unit_words.said(
        b"\n".join(line for line in data[: 1 << 14].split(b"\n") if line.startswith(b"#"))
    )


def _of_points(name: str, lines: Lines, count: int, account: Account) -> Array | None:
    """The normals of points that no face uses: one for each, as MeshLab writes them."""
    rows = lines.beginning(b"vn")
    if len(rows) != count:
        if len(rows):
            account.declare("attribute", f"normals ({len(rows)} lines for {count} points)")
        return None
    return columns(name, "normal", lines.block(rows, 2), 3)


def _corners_of(lines: Lines, word: bytes) -> int:
    return sum(len(lines.text(int(line)).split()) - 1 for line in lines.beginning(word))


def _polypaint(lines: Lines, rows: Array, count: int, account: Account) -> Array | None:
    """ZBrush's colours of vertices: comments of eight hexadecimal digits a vertex, mask and red,
    green, blue."""
    written = b"".join(lines.text(int(line))[6:].strip() for line in rows)
    if len(written) == 8 * count and re.fullmatch(rb"[0-9a-fA-F]*", written):
        return np.frombuffer(bytes.fromhex(written.decode()), np.uint8).reshape(-1, 4)[:, 1:].copy()
    account.declare("attribute", f"ZBrush's paint of {len(written) // 8} of {count} vertices")
    return None


def _weighted(values: Array, first: Array) -> bool:
    """Whether seven numbers are x y z, a weight of 1 and a colour, not a colour and its alpha: that
    is not nothing everywhere."""
    return bool(len(first) and (values[first + 3] == 1).all() and (values[first + 6] == 0).all())


def _vertices(name: str, block: bytes, account: Account) -> Vertices:
    values, counts = numbers(name, "vertex", block)
    if (few := counts < 3).any():
        row = int(np.argmax(few))
        raise damaged(name, f"vertex {row + 1} has {int(counts[row])} coordinates")
    if even := bool((counts == counts[0]).all()):
        table = values.reshape(len(counts), -1)
        if counts[0] == 3:
            return Vertices(table, None, None)
    first = np.cumsum(counts) - counts
    places = table[:, :3].copy() if even else values[first[:, None] + np.arange(3)]
    weights = values[first[counts == 4] + 3]
    if (weights != 1).any():
        account.remark("the fourth number of its vertices, a weight of curves, was not used")
    painted = counts >= 6
    if not painted.any():
        return Vertices(places, None, None)
    behind = _weighted(values, first[counts == 7])
    if even:
        at = 4 if counts[0] == (7 if behind else 8) else 3
        return Vertices(places, to_bytes(table[:, at : at + 3], account), None)
    colors = np.full((len(counts), 3), 255, np.uint8)
    after = first[painted] + np.where(counts[painted] == (7 if behind else 8), 4, 3)
    colors[painted] = to_bytes(values[after[:, None] + np.arange(3)], account)
    return Vertices(places, colors, None if painted.all() else painted)
