"""OBJ, STL, GLB, OFF as passes: their points, or their vertices, or points spread over the faces
where the vertices are few."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.formats.meshes import check
from pipeline.formats.refusals import Source
from pipeline.geometry import readers
from pipeline.geometry.colour import to_linear, to_srgb
from pipeline.geometry.readers.assemble import Assembled, assemble, looked_up
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import Contents
from pipeline.geometry.rigid import Array
from pipeline.geometry.topology import face_normals, vertex_normals, weld
from pipeline.stages.scan._raw import Raw

_DENSE = 20_000  # vertices from which a mesh is a scan by itself
_SAMPLES = 200_000


def read(source: Source, account: Account, beside: Companions) -> list[Raw]:
    """One pass from one mesh file, with the colours of its vertices, materials or pictures; a file
    without faces is a list of points."""
    check(source.name, source.path)
    contents = readers.read(source.name, source.path, beside)
    whole = assemble(contents.parts)
    for text in (*contents.account.differences(), *whole.notes):
        account.remark(text)
    # glTF is in metres by definition
    unit = "m" if source.name.lower().endswith(".glb") else contents.unit
    if not len(whole.surface.faces):
        return [_points(source.name, contents, unit, account)]
    return [_surface(source.name, contents, whole, unit, account)]


def _points(name: str, contents: Contents, unit: str | None, account: Account) -> Raw:
    parts = [part for part in contents.parts if not len(part.faces)]
    places = np.concatenate(
        [np.asarray(part.vertices, np.float64) for part in parts] or [np.zeros((0, 3))]
    )
    colours = [part.colors for part in parts if part.colors is not None]
    normals = [part.normals for part in parts if part.normals is not None]
    if colours and len(colours) < len(parts):
        account.remark("only some of its parts have colours, and none were used")
    return Raw(
        name,
        places,
        np.concatenate(normals) if normals and len(normals) == len(parts) else None,
        np.concatenate(colours) if colours and len(colours) == len(parts) else None,
        unit=unit,
    )


def _surface(
    name: str, contents: Contents, whole: Assembled, unit: str | None, account: Account
) -> Raw:
    """The vertices of a dense mesh, else points spread evenly over its faces."""
    surface = whole.surface
    if contents.points:
        account.remark(f"{contents.points} points that no face uses were left out")
    sound = np.asarray(
        np.isfinite(surface.vertices).all(axis=1) & (np.abs(surface.vertices) < 1e12).all(axis=1)
    )
    faces = surface.faces[sound[surface.faces].all(axis=1)]
    account.count(
        "faces", len(surface.faces), len(faces), "the others touch coordinates that are not numbers"
    )
    first = weld(surface.vertices)
    welded = first[faces]
    used = np.unique(welded)
    if len(used) >= _DENSE or not len(faces):
        normals = vertex_normals(surface.vertices, welded)[used]
        return Raw(
            name,
            surface.vertices[used],
            normals,
            None if surface.colors is None else surface.colors[used],
            unit=unit,
        )
    return Raw(name, *_spread(whole, faces), unit=unit)


def _spread(
    whole: Assembled, faces: NDArray[np.integer[Any]]
) -> tuple[Array, Array, NDArray[np.uint8] | None]:
    """Places, normals and colours of points drawn evenly from the faces' area."""
    surface = whole.surface
    normals, areas = face_normals(surface.vertices, faces)
    rng = np.random.default_rng(0)
    reach = np.cumsum(areas)
    drawn = np.searchsorted(reach, rng.random(_SAMPLES) * reach[-1]).clip(0, len(faces) - 1)
    weights = _inside(rng)
    places = (surface.vertices[faces[drawn]] * weights[..., None]).sum(axis=1)
    return places, normals[drawn], _coloured(whole, faces[drawn], weights)


def _inside(rng: np.random.Generator) -> Array:
    """Even places inside triangles, as shares of their corners (N,3)."""
    u, v = rng.random((2, _SAMPLES))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    return np.stack([1 - u - v, u, v], axis=1)


def _coloured(
    whole: Assembled, corners: NDArray[np.integer[Any]], weights: Array
) -> NDArray[np.uint8] | None:
    def mixed(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return to_srgb((to_linear(values)[corners] * weights[..., None]).sum(axis=1))

    surface = whole.surface
    if whole.image is None or surface.uv is None:
        return None if surface.colors is None else mixed(surface.colors)
    shown = looked_up(whole.image, (surface.uv[corners] * weights[..., None]).sum(axis=1))
    return shown if whole.tint is None else to_srgb(to_linear(shown) * to_linear(mixed(whole.tint)))
