"""What a PLY file declares beside what makes a surface: named where it is not read."""

from __future__ import annotations

import re

from pipeline.formats import ply
from pipeline.formats.account import Account
from pipeline.geometry.readers.plylists import Table
from pipeline.geometry.readers.plypaint import COLORS, NORMALS, UV, whole

ALPHA = ("alpha", "a", "diffuse_alpha")
INDICES = ("vertex_indices", "vertex_index", "vertex_indexes")
COLOUR = re.compile(
    r"red|green|blue|colou?r|rgb"
)  # says something though it is the same everywhere
SPLATS = frozenset({"f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "rot_0"})
# Elements and properties that say nothing about shape or colour.
SILENT = frozenset({"x", "y", "z", *ALPHA, "flags", "material_index", "texnumber"})
FACES = frozenset({*INDICES, "texcoord", "texture_vertex_indices", "multi_texture_vertex_indices"})
SILENT_ELEMENTS = frozenset(
    {"vertex", "face", "tristrips", "material", "range_grid", "camera", "multi_texture_vertex"}
)


def declare(header: ply.PlyHeader, found: dict[str, Table], account: Account) -> None:
    """What was not read; a column that is the same everywhere says nothing."""
    for element in header.elements:
        if element.name not in SILENT_ELEMENTS and element.rows:
            (
                account.declare("lines", "", element.rows)
                if element.name == "edge"
                else account.declare("part", f"element {element.name}")
            )
        if element.rows and sum(one.name == element.name for one in header.elements) > 1:
            account.declare("part", f"a second element {element.name}")
        names = {each.name.lower() for each in element.properties}
        if names >= SPLATS:
            account.declare(
                "part",
                "what makes its points Gaussian splats (scales, turns, opacity, spherical"
                " harmonics)",
            )
        elif element.name == "vertex":
            for other in sorted(names - whole(names, *COLORS, *NORMALS, *UV) - SILENT):
                column = found["vertex"].columns.get(other)
                varied = column is None or (len(column) and (column != column[0]).any())
                if varied or COLOUR.search(other):
                    account.declare("attribute", f"the vertices' {other}")
        elif element.name == "face" and element.rows:
            _declare_faces(names, found["face"], account)


def _declare_faces(names: set[str], face: Table, account: Account) -> None:
    for other in sorted(names - whole(names, *COLORS, *NORMALS) - SILENT - FACES):
        column = face.lists[other][1] if other in face.lists else face.columns.get(other)
        if other != corners_of(face) and (column is None or (column != column[:1]).any()):
            account.declare("attribute", f"the faces' {other}")


def corners_of(face: Table) -> str | None:
    """The list of corners: the one that is called so, else the only one that there is."""
    called = next((label for label in INDICES if label in face.lists), None)
    return called or (next(iter(face.lists)) if len(face.lists) == 1 else None)
