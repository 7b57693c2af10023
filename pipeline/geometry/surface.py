"""Surface: a triangle mesh in memory, and how it lies in the workspace as a Mesh artefact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Mesh
from pipeline.geometry.topology import vertex_normals, weld
from pipeline.workspace import Workspace

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Surface:
    """vertices (V,3) float64, faces (F,3) int32; per vertex: colors (V,3) uint8 sRGB, normals (V,3)
    float32, uv (V,2) float32.

    uv is measured from the image's lower left corner, as OBJ does; glTF's writer turns it over.
    """

    vertices: Floats
    faces: Ints
    colors: Bytes | None = None
    normals: Floats | None = None
    uv: Floats | None = None

    @property
    def size(self) -> float:
        """Diagonal of the bounding box, in the unit of the vertices."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0))) if len(self.vertices) else 0.0

    def only(self, faces: Ints) -> Surface:
        """The same surface with other FACES (indices into the same vertices); vertices that none
        uses go away."""
        used, packed = np.unique(faces, return_inverse=True)
        return replace(
            self,
            vertices=self.vertices[used],
            faces=packed.reshape(-1, 3).astype(np.int32),
            **{
                name: None if part is None else part[used]
                for name, part in self.attributes().items()
            },
        )

    def split(self, corner_vertices: Ints, faces: Ints) -> Surface:
        """A surface whose vertex i is a copy of vertex CORNER_VERTICES[i], with new FACES; that is
        how seams are cut."""
        return replace(
            self,
            vertices=self.vertices[corner_vertices],
            faces=faces.astype(np.int32),
            **{
                name: None if part is None else part[corner_vertices]
                for name, part in self.attributes().items()
            },
        )

    def attributes(self) -> dict[str, Any]:
        return {"colors": self.colors, "normals": self.normals, "uv": self.uv}

    def transformed(self, matrix: Floats) -> Surface:
        """Moved by a 4×4 similarity; normals turn along, faces flip where the matrix mirrors."""
        linear = np.asarray(matrix, dtype=np.float64)[:3, :3]
        turn = linear / np.cbrt(abs(np.linalg.det(linear)))
        return replace(
            self,
            vertices=self.vertices @ linear.T + np.asarray(matrix)[:3, 3],
            faces=self.faces if np.linalg.det(linear) > 0 else self.faces[:, ::-1],
            normals=None if self.normals is None else (self.normals @ turn.T).astype(np.float32),
        )


def load(ws: Workspace, mesh: Mesh) -> Surface:
    """The surface behind a Mesh artefact."""
    with np.load(ws.path(mesh.arrays)) as arrays:
        return Surface(
            arrays["vertices"],
            arrays["faces"],
            *(arrays.get(name) for name in ("colors", "normals", "uv")),
        )


def store(ws: Workspace, name: str, surface: Surface, facts: dict[str, Any]) -> Mesh:
    """Write SURFACE to the workspace file NAME and return its artefact; FACTS are the other fields
    of Mesh."""
    arrays = {key: part for key, part in surface.attributes().items() if part is not None}
    np.savez(
        ws.path(name),
        vertices=np.asarray(surface.vertices, dtype=np.float64),
        faces=np.asarray(surface.faces, dtype=np.int32),
        **arrays,
    )
    return Mesh(
        **{**facts, "arrays": name, "vertices": len(surface.vertices), "faces": len(surface.faces)}
    )


def facts_of(mesh: Mesh) -> dict[str, Any]:
    """What a later stage passes on unchanged: everything but the arrays and their counts."""
    return {
        key: getattr(mesh, key)
        for key in type(mesh).model_fields
        if key not in ("arrays", "vertices", "faces")
    }


def facts_after_change(mesh: Mesh, surface: Surface) -> dict[str, Any]:
    """Facts of a mesh whose faces change: its image no longer fits, so the old form becomes what it
    is painted from."""
    facts = facts_of(mesh)
    if mesh.painted is None and (mesh.image is not None or surface.colors is not None):
        facts |= {"painted": mesh.arrays, "painted_image": mesh.image}
    return facts | {"image": None, "normal_map": None, "guessed": None}


def seamed(surface: Surface) -> bool:
    """Whether colours break off: vertices at one place have different ones, as where materials
    meet."""
    if surface.colors is None:
        return False
    first = weld(surface.vertices)
    return bool((surface.colors[first] != surface.colors).any())


def smooth_normals(surface: Surface) -> Floats:
    """Vertex normals (V,3) float32 that do not break where vertices were split at a seam."""
    if surface.uv is None:  # only a texture's seams split vertices
        return vertex_normals(surface.vertices, surface.faces)
    first = weld(surface.vertices)
    normals: Floats = vertex_normals(surface.vertices, first[surface.faces])[first]
    return normals


def scattered(surface: Surface, count: int) -> tuple[Floats, Floats]:
    """COUNT points of the surface (N,3), spread by area, always the same ones, and the smooth unit
    normals (N,3) there."""
    rng = np.random.default_rng(0)
    corners = surface.vertices[surface.faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    ends = np.cumsum(area)
    face = np.searchsorted(ends, (np.arange(count) + 0.5) / count * ends[-1])
    first, second = np.sqrt(rng.random(count)), rng.random(count)
    weight = np.stack([1 - first, first * (1 - second), first * second], axis=1)
    points = np.einsum("nk,nkj->nj", weight, corners[face])
    normals = np.einsum("nk,nkj->nj", weight, smooth_normals(surface)[surface.faces[face]])
    return points, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
