"""Model: what a format writer is given, and the unit and axes that each format wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Mesh
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.units import as_matrix, print_space
from pipeline.workspace import Workspace

METRIC = ("glb", "usdz", "fbx")  # metres, Y up, front +Z
PRINT = ("stl", "3mf")  # millimetres, Z up
OWN = ("obj", "ply")  # the drop's unit and frame, survey origin restored
MATERIAL = "surface"
# linear albedo of a surface without colours: light, yet white light leaves it its drawing
GREY = 0.36


@dataclass(frozen=True)
class Model:
    """surface in the format's space; image and normal_map are PNG files that its uv refers to."""

    surface: Surface
    image: Path | None = None
    normal_map: Path | None = None
    label: str | None = None

    def placed(self, matrix: NDArray[Any]) -> Model:
        return replace(self, surface=self.surface.transformed(matrix))


def model_of(mesh: Mesh, ws: Workspace) -> Model:
    """The mesh as it lies in the workspace: the drop's unit and common frame, origin not yet
    restored."""
    surface = surfaces.load(ws, mesh)
    if mesh.image is None:
        surface = replace(surface, uv=None)
    path = {
        key: ws.path(name) if name else None
        for key, name in (("image", mesh.image), ("normal_map", mesh.normal_map))
    }
    return Model(surface, path["image"], path["normal_map"], mesh.label)


def into_space(model: Model, mesh: Mesh, suffix: str) -> Model:
    """MODEL in the unit and axes of the format SUFFIX."""
    if suffix in METRIC:
        return model.placed(as_matrix(mesh.frame))
    if suffix in PRINT:
        return model.placed(print_space() @ as_matrix(mesh.frame))
    shift = np.eye(4)
    shift[:3, 3] = mesh.origin
    return model.placed(shift)


def without_texture(model: Model, surface: Surface) -> Model:
    """SURFACE in place of the model's own, which had a texture."""
    return replace(model, surface=surface, image=None, normal_map=None)
