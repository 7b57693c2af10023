"""read_mesh: the one mesh file of a drop becomes a Mesh."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.artefacts import Dropped, Mesh
from pipeline.errors import InputRejected
from pipeline.formats.account import listed
from pipeline.formats.meshes import check
from pipeline.geometry import readers
from pipeline.geometry import surface as surfaces
from pipeline.geometry.readers.assemble import Assembled, assemble
from pipeline.geometry.readers.parts import Contents
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import face_normals, verdict, weld
from pipeline.geometry.units import METRES as METRES_OF
from pipeline.geometry.units import frame_for
from pipeline.kept.declared import ReadMesh
from pipeline.stages.mesh._drop import find_mesh, unreferred
from pipeline.workspace import StageWorkspace, Workspace

METRES = 10  # size below which a file without a unit is taken to be in metres
TINY, HUGE = 1.0, 100_000.0  # millimetres: sizes outside are said
FAR = 1000  # sizes away from zero; farther off float32 keeps less than four digits of a size
UNIT_OF = {".stl": "mm", ".glb": "m", ".gltf": "m"}
UP_OF = {".obj": "y", ".glb": "y", ".gltf": "y"}
UNIT_NAMES = {
    "millimeter": "mm",
    "millimeters": "mm",
    "centimeter": "cm",
    "centimeters": "cm",
    "meter": "m",
    "meters": "m",
    "inch": "inch",
    "inches": "inch",
    "foot": "ft",
    "feet": "ft",
    "mm": "mm",
    "cm": "cm",
    "m": "m",
    "ft": "ft",
}


def run(dropped: Dropped, ws: StageWorkspace[ReadMesh]) -> Mesh:
    """Read OBJ, STL, PLY, GLB, glTF, OFF or 3MF, also as .gz, .zip or .tar (readers:
    pipeline/geometry/readers).

    Returns the mesh in the file's own coordinates and unit, minus a whole-number origin where it
    lies far from zero; ``frame`` maps it to Y-up metres. All vertices are finite and there is at
    least one face. Textures become one image. What the file declares and what did not arrive differ
    by warnings only. Raises InputRejected, naming file and fact, for anything else.
    """
    path, beside = find_mesh(dropped.names, ws)
    check(path.name, path)
    ws.progress(0.1, f"reading {path.name}")
    contents = readers.read(path.name, path, beside)
    whole = assemble(contents.parts)
    for text in (*contents.account.differences(), *whole.notes):
        ws.warn(f"{path.name}: {text}.")
    could, others = unreferred(path.name, beside)
    if could:
        ws.warn(f"not used, because {path.name} does not refer to it: {listed(could, 10)}.")
    if others:
        ws.warn(f"not used: {listed(others, 10)}.")
    surface, tint = _usable(path.name, whole, contents, ws)
    if contents.points:
        ws.warn(f"{path.name}: {contents.points} points that no face uses were left out.")
    surface, origin = _near(path.name, surface, ws)
    unit, up = _unit(path, surface, contents.unit, ws), str(ws.options.up)
    if up == "auto":
        up = UP_OF.get(path.suffix.lower(), "z")
    shape = verdict(weld(surface.vertices)[surface.faces])
    facts = {
        "watertight": shape.closed and shape.manifold and shape.oriented,
        "manifold": shape.manifold and shape.oriented,
        "unit": unit,
        "frame": frame_for(unit, up),
        "origin": origin,
    }
    return surfaces.store(
        ws, "mesh/read.npz", surface, facts | _pictured(whole.image, surface, tint, ws)
    )


def _pictured(image: Any, surface: Surface, tint: Any, ws: Workspace) -> dict[str, Any]:
    """Where the picture lies: as it is, or, where colours of vertices multiply it, as what the mesh
    is painted from."""
    if image is None:
        return {}
    from PIL import Image

    Image.fromarray(image).save(ws.path("mesh/read.png"), compress_level=4)
    if tint is None:
        return {"image": "mesh/read.png"}
    arrays: dict[str, Any] = {
        key: part for key, part in surface.attributes().items() if part is not None
    }
    np.savez(
        ws.path("mesh/painted.npz"),
        vertices=surface.vertices,
        faces=surface.faces,
        tint=tint,
        **arrays,
    )
    return {"painted": "mesh/painted.npz", "painted_image": "mesh/read.png"}


def _usable(name: str, whole: Assembled, contents: Contents, ws: Workspace) -> tuple[Surface, Any]:
    """The surface, and its tint, without faces that touch a vertex that is not a number; refuses
    what has no face left."""
    surface, tint = whole.surface, whole.tint
    if not len(surface.faces):
        points, others = contents.points, [*contents.holds, *contents.account.differences()]
        remedy = (
            "Drop point clouds as scan passes (kind = scan)."
            if points
            else "Export the surface as a mesh of faces."
        )
        held = f"{points} points and no faces" if points else "no faces"
        raise InputRejected(
            f"{name} holds {held}{f' ({listed(others)})' if others else ''}: a mesh needs faces",
            remedy=remedy,
        )
    sound = np.isfinite(surface.vertices).all(axis=1) & (np.abs(surface.vertices) < 1e12).all(
        axis=1
    )
    keep: Any = np.asarray(sound)[surface.faces].all(axis=1)
    lost = int((~keep).sum())
    if lost:
        ws.warn(
            f"{name}: {lost} of {len(keep)} faces touch coordinates that are not numbers and were"
            " left out."
        )
    used = np.zeros(len(surface.vertices), bool)
    used[surface.faces[keep]] = True
    if lost or not used.all():
        surface, tint = surface.only(surface.faces[keep]), None if tint is None else tint[used]
    if (
        not len(surface.faces)
        or not (face_normals(surface.vertices, surface.faces)[1] > 1e-12 * surface.size**2).any()
    ):
        raise InputRejected(
            f"{name} has no face with an area",
            remedy="Export the surface again; all its faces are flat lines or points.",
        )
    return surface, tint


def _near(name: str, surface: Surface, ws: Workspace) -> tuple[Surface, tuple[int, int, int]]:
    """The surface near zero, and what was subtracted: viewers and printers count in float32, which
    blurs a small thing far away."""
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    if np.abs([low, high]).max() <= FAR * surface.size:
        return surface, (0, 0, 0)
    x, y, z = (round(float(value)) for value in (low + high) / 2)
    ws.warn(
        f"{name} lies far from zero: it was moved by {-x}, {-y}, {-z}; OBJ and PLY keep its own"
        " coordinates."
    )
    return replace(surface, vertices=surface.vertices - [x, y, z]), (x, y, z)


def _unit(path: Path, surface: Surface, declared: str | None, ws: StageWorkspace[ReadMesh]) -> str:
    """The unit of the file's coordinates: asked for, declared, the format's, or guessed from the
    size with a warning."""
    asked = ws.options.unit
    known = UNIT_NAMES.get(declared or "") or UNIT_OF.get(path.suffix.lower())
    if asked != "auto":
        return asked
    if known:
        return _plausible(path, known, surface.size, ws)
    unit, other = ("m", "mm") if surface.size < METRES else ("mm", "m")
    large = (
        f"{unit} was taken because it is {surface.size:.4g} large; the other candidate is {other}"
    )
    ws.warn(f"{path.name} names no unit; {large}. Set unit= if that is wrong.")
    return unit


def _plausible(path: Path, unit: str, size: float, ws: StageWorkspace[ReadMesh]) -> str:
    """UNIT, or metres where an STL, which only by custom is in millimetres, would be too small to
    see."""
    millimetres = size * METRES_OF[unit] * 1000
    if path.suffix.lower() == ".stl" and millimetres < TINY:
        ws.warn(
            f"{path.name} is {size:.4g} large, too small for millimetres: metres were taken, "
            "inches are the other candidate. Set unit= if that is wrong."
        )
        return "m"
    if not TINY <= millimetres <= HUGE:
        ws.warn(
            f"{path.name} is {millimetres / 1000:.4g} metres large: if that size is wrong, set"
            " unit=."
        )
    return unit
