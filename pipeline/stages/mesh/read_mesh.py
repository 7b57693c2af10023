"""read_mesh: the one mesh file of a drop becomes a Mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.artefacts import Dropped, Mesh
from pipeline.errors import InputRejected
from pipeline.formats.account import listed
from pipeline.formats.meshes import check
from pipeline.formats.zeros import left_empty
from pipeline.geometry import readers
from pipeline.geometry import surface as surfaces
from pipeline.geometry.readers.assemble import Assembled, assemble
from pipeline.geometry.readers.parts import Contents
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import face_normals, verdict, weld
from pipeline.geometry.units import as_matrix, as_rows, frame_for
from pipeline.kept.options import ReadMesh
from pipeline.stages.mesh._drop import find_mesh, unreferred
from pipeline.stages.mesh._unit import brought_near, unit_of
from pipeline.workspace import StageWorkspace, Workspace

UP_OF = {".obj": "y", ".glb": "y", ".gltf": "y"}


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
    if empty := left_empty(path.name, path):
        ws.warn(f"{path.name}: {empty}.")
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
    surface, origin = brought_near(path.name, surface, ws)
    unit, up = unit_of(path, surface, contents.unit, ws), str(ws.options.up)
    if up == "auto":
        up = UP_OF.get(path.suffix.lower(), "z")
    shape = verdict(weld(surface.vertices)[surface.faces])
    facts = {
        "watertight": shape.closed and shape.manifold and shape.oriented,
        "manifold": shape.manifold and shape.oriented,
        "unit": unit,
        "frame": _frame(surface, unit, up, ws),
        "origin": origin,
    }
    return surfaces.store(
        ws, "mesh/read.npz", surface, facts | _pictured(whole.image, surface, tint, ws)
    )


def _frame(
    surface: Surface, unit: str, up: str, ws: StageWorkspace[ReadMesh]
) -> tuple[tuple[float, ...], ...]:
    """To Y-up metres; standing on the ground where that is asked for."""
    front = None if ws.options.front == "auto" else ws.options.front
    frame = as_matrix(frame_for(unit, up, front))
    if ws.options.stand:
        placed = surface.transformed(frame).vertices
        low, high = placed.min(0), placed.max(0)
        frame[:3, 3] -= [(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2]
    return as_rows(frame)


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
