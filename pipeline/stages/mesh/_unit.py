"""The unit of a mesh: told by the format, by a person, or guessed from its size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.geometry.surface import Surface
from pipeline.geometry.units import METRES as METRES_OF
from pipeline.geometry.units import UNIT_NAMES
from pipeline.kept.options import ReadMesh
from pipeline.workspace import StageWorkspace, Workspace

TINY, HUGE = 1.0, 100_000.0  # millimetres: sizes outside are said
FAR = 1000  # sizes away from zero; farther off float32 keeps less than four digits of a size

METRES = 10  # size below which a file without a unit is taken to be in metres
UNIT_OF = {".stl": "mm", ".glb": "m", ".gltf": "m"}


def brought_near(
    name: str, surface: Surface, ws: Workspace
) -> tuple[Surface, tuple[int, int, int]]:
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


def unit_of(
    path: Path, surface: Surface, declared: str | None, ws: StageWorkspace[ReadMesh]
) -> str:
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
