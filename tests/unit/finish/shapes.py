"""Small surfaces with known colours, and the stages of the finish leg in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

from pipeline.artefacts import Artefact, Exported, Mesh, PointCloud
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.units import frame_for
from pipeline.recipes import call, stage_function
from pipeline.workspace import Workspace

Array = NDArray[Any]


def ball(subdivisions: int = 3, radius: float = 1.0) -> Surface:
    mesh = trimesh.creation.icosphere(subdivisions, radius)
    return Surface(np.array(mesh.vertices), np.array(mesh.faces, np.int32))


def box(extents: tuple[float, float, float] = (100.0, 60.0, 40.0)) -> Surface:
    mesh = trimesh.creation.box(extents)
    return Surface(np.array(mesh.vertices), np.array(mesh.faces, np.int32))


def pattern(points: Array) -> Array:
    """A smooth coloured pattern in space, sRGB 0…1; POINTS of unit size."""
    waves = np.array([[3.0, 1, 2], [1, 4, -2], [-2, 1, 5]]) * np.pi
    return np.asarray(0.5 + 0.4 * np.sin(points @ waves.T))


def samples(surface: Surface, count: int, seed: int = 0) -> tuple[Array, Array, Array]:
    """points, colors (uint8) of the pattern, normals on SURFACE."""
    rng = np.random.default_rng(seed)
    a, b, c = (surface.vertices[surface.faces[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1)
    face = rng.choice(len(area), count, p=area / area.sum())
    u = rng.random((count, 2))
    u = np.where(u.sum(axis=1, keepdims=True) > 1, 1 - u, u)
    points = a[face] + u[:, :1] * (b - a)[face] + u[:, 1:] * (c - a)[face]
    colors = (pattern(points / surface.size) * 255 + 0.5).astype(np.uint8)
    return points, colors, cross[face] / area[face, None]


def stored(ws: Workspace, surface: Surface, unit: str = "mm", up: str = "z", **facts: Any) -> Mesh:
    known = {
        "watertight": True,
        "manifold": True,
        "unit": unit,
        "frame": frame_for(unit, up),
        **facts,
    }
    return surfaces.store(ws, "mesh/in.npz", surface, known)


def cloud_of(ws: Workspace, surface: Surface, count: int = 20_000) -> PointCloud:
    points, colors, normals = samples(surface, count)
    source = (points[:, 0] > 0).astype(np.int16)
    np.savez(
        ws.path("cloud.npz"),
        points=points,
        colors=colors,
        normals=normals.astype(np.float32),
        source=source,
    )
    return PointCloud(
        arrays="cloud.npz", points=count, spacing=0.01, size=surface.size, colored=True
    )


def finished(ws: Workspace, *bag: Artefact, until: str = "finish.report") -> list[Artefact]:
    """The bag after texture, export, preview, report (or fewer)."""
    have = list(bag)
    for name in ("finish.texture", "finish.export", "finish.preview", "finish.report"):
        have.append(call(stage_function(name), have, ws))
        if name == until:
            break
    return have


def exported(bag: list[Artefact]) -> Exported:
    return next(item for item in bag if isinstance(item, Exported))
