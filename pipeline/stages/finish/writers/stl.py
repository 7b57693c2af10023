"""STL, binary: millimetres, Z up; triangles only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.geometry.topology import face_normals
from pipeline.stages.finish._model import Model

RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])


def write(model: Model, path: Path) -> None:
    """Write MODEL, which stands in Z-up millimetres, to PATH."""
    surface = model.surface
    table = np.zeros(len(surface.faces), RECORD)
    table["normal"] = face_normals(surface.vertices, surface.faces)[0]
    table["corners"] = surface.vertices[surface.faces]
    with path.open("wb") as out:
        out.write(b"inbox3d, millimetres, Z up".ljust(80, b"\0"))
        out.write(np.uint32(len(table)).tobytes())
        out.write(table.tobytes())
