"""read_mesh: the one mesh file of a drop becomes a Mesh."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.artefacts import Dropped, Mesh
from pipeline.declared import ReadMesh
from pipeline.errors import InputRejected
from pipeline.formats.meshes import check
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import verdict, weld
from pipeline.geometry.units import frame_for
from pipeline.stages.mesh._drop import find_mesh
from pipeline.stages.mesh._parse import parse
from pipeline.workspace import StageWorkspace, Workspace

FAR = 1000  # sizes away from zero; farther off float32 keeps less than four digits of a size
UNIT_OF = {".stl": "mm", ".glb": "m", ".gltf": "m"}
UP_OF = {".obj": "y", ".glb": "y", ".gltf": "y"}
UNIT_NAMES = {"millimeter": "mm", "millimeters": "mm", "centimeter": "cm", "centimeters": "cm", "meter": "m", "meters": "m",
              "inch": "inch", "inches": "inch", "foot": "ft", "feet": "ft", "mm": "mm", "cm": "cm", "m": "m"}  # fmt: skip


def run(dropped: Dropped, ws: StageWorkspace[ReadMesh]) -> Mesh:
    """Read OBJ, STL, PLY, GLB, glTF, OFF or 3MF, also as .gz or .zip (library: trimesh).

    Returns the mesh in the file's own coordinates and unit, minus a whole-number origin where it lies far from zero; ``frame``
    maps it to Y-up metres. All vertices are finite and there is at least one face. Textures become one image. Raises
    InputRejected, naming file and fact, for anything else.
    """
    path = find_mesh(dropped.names, ws)
    check(path.name, path)
    ws.progress(0.1, f"reading {path.name}")
    surface, image, declared = parse(path, ws)
    surface = _usable(path.name, surface, ws)
    surface, origin = _near(path.name, surface, ws)
    unit, up = _unit(path, surface, declared, ws), str(ws.options.up)
    if up == "auto":
        up = UP_OF.get(path.suffix.lower(), "z")
    if image is not None and surface.uv is not None:
        image.convert("RGB").save(ws.path("mesh/read.png"))
    shape = verdict(weld(surface.vertices)[surface.faces])
    return surfaces.store(
        ws,
        "mesh/read.npz",
        surface,
        {
            "watertight": shape.closed and shape.manifold and shape.oriented,
            "manifold": shape.manifold and shape.oriented,
            "unit": unit,
            "frame": frame_for(unit, up),
            "origin": origin,
            "image": "mesh/read.png" if image is not None and surface.uv is not None else None,
        },
    )


def _usable(name: str, surface: Surface, ws: Workspace) -> Surface:
    """The surface without faces that touch a vertex that is not a number; refuses what has no face left."""
    if not len(surface.faces):
        remedy = "Drop point clouds as scan passes (kind = scan)."
        raise InputRejected(f"{name} holds {len(surface.vertices)} points but no faces", remedy=remedy)
    if surface.faces.min() < 0 or surface.faces.max() >= len(surface.vertices):
        raise InputRejected(f"{name} is damaged: a face refers to vertex {surface.faces.max()}, only {len(surface.vertices)} are there")
    sound = np.isfinite(surface.vertices).all(axis=1) & (np.abs(surface.vertices) < 1e12).all(axis=1)
    keep: Any = np.asarray(sound)[surface.faces].all(axis=1)
    lost = int((~keep).sum())
    if lost:
        ws.warn(f"{name}: {lost} of {len(keep)} faces touch coordinates that are not numbers and were left out.")
        surface = surface.only(surface.faces[keep])
    if not len(surface.faces) or surface.size == 0:
        raise InputRejected(f"{name} has no face with an area")
    return surface


def _near(name: str, surface: Surface, ws: Workspace) -> tuple[Surface, tuple[int, int, int]]:
    """The surface near zero, and what was subtracted: viewers and printers count in float32, which blurs a small thing far away."""
    low, high = surface.vertices.min(axis=0), surface.vertices.max(axis=0)
    if np.abs([low, high]).max() <= FAR * surface.size:
        return surface, (0, 0, 0)
    x, y, z = (round(float(value)) for value in (low + high) / 2)
    ws.warn(f"{name} lies far from zero: it was moved by {-x}, {-y}, {-z}; OBJ and PLY keep its own coordinates.")
    return replace(surface, vertices=surface.vertices - [x, y, z]), (x, y, z)


def _unit(path: Path, surface: Surface, declared: str | None, ws: StageWorkspace[ReadMesh]) -> str:
    """The unit of the file's coordinates: asked for, declared, the format's, or guessed from the size with a warning."""
    asked = ws.options.unit
    known = UNIT_NAMES.get(declared or "") or UNIT_OF.get(path.suffix.lower())
    if asked != "auto":
        return asked
    if known:
        return known
    unit = "m" if surface.size < 10 else "mm"
    ws.warn(f"{path.name} names no unit; {unit} was taken because it is {surface.size:.4g} large. Set unit= if that is wrong.")
    return unit
