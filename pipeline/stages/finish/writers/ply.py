"""PLY, binary little-endian: the drop's own unit and frame; double coordinates, so that survey
coordinates survive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.finish._model import Model

BLOCK = 2_000_000  # rows of a cloud that are written at once
NAMES = {"f8": "double", "f4": "float", "u1": "uchar"}


def write(model: Model, path: Path) -> None:
    """Write MODEL to PATH: x y z, and as far as they are there nx ny nz, red green blue; PLY has no
    common way to hold a texture."""
    surface = model.surface
    header, table = _vertices(surface.vertices, surface.normals, surface.colors)
    faces = np.zeros(len(surface.faces), np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
    faces["count"], faces["corners"] = 3, surface.faces
    _save(
        path,
        [*header, f"element face {len(faces)}", "property list uchar int vertex_indices"],
        [table, faces],
    )


def write_cloud(
    points: NDArray[Any],
    normals: NDArray[Any] | None,
    colors: NDArray[Any] | None,
    path: Path,
    origin: tuple[int, int, int] = (0, 0, 0),
) -> None:
    """Write a point cloud: points (N,3) float64 plus ORIGIN, normals (N,3), colors (N,3) uint8;
    block by block."""

    def block(at: int) -> tuple[list[str], NDArray[Any]]:
        part = slice(at, at + BLOCK)
        moved = points[part] + np.asarray(origin, dtype=np.float64)
        return _vertices(
            moved,
            None if normals is None else normals[part],
            None if colors is None else colors[part],
        )

    header = [f"element vertex {len(points)}", *block(0)[0][1:]]
    _save(path, header, (block(at)[1] for at in range(0, len(points), BLOCK)))


def _vertices(points: Any, normals: Any, colors: Any) -> tuple[list[str], NDArray[Any]]:
    columns = [(name, "f8", points[:, i]) for i, name in enumerate("xyz")]
    if normals is not None:
        columns += [(name, "f4", normals[:, i]) for i, name in enumerate(("nx", "ny", "nz"))]
    if colors is not None:
        columns += [(name, "u1", colors[:, i]) for i, name in enumerate(("red", "green", "blue"))]
    table = np.zeros(len(points), np.dtype([(name, f"<{kind}") for name, kind, _ in columns]))
    for name, _, values in columns:
        table[name] = values
    return [
        f"element vertex {len(points)}",
        *(f"property {NAMES[kind]} {name}" for name, kind, _ in columns),
    ], table


def _save(path: Path, header: Sequence[str], tables: Iterable[NDArray[Any]]) -> None:
    lines = ["ply", "format binary_little_endian 1.0", *header, "end_header", ""]
    with path.open("wb") as out:
        out.write("\n".join(lines).encode())
        for table in tables:
            out.write(table.tobytes())
