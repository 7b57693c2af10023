"""OBJ, STL, GLB, OFF as passes: their vertices, or points spread over the faces where the vertices are few (trimesh)."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken
from pipeline.stages.scan._raw import Raw, to_colors

_DENSE = 20_000  # vertices from which a mesh is a scan by itself
_SAMPLES = 200_000


def read(source: Source, account: Account) -> list[Raw]:
    """One pass from one mesh file. OBJ files without faces are point lists. Textures are not read here."""
    suffix = source.name.lower().rpartition(".")[2]
    _check(source, suffix)
    import trimesh

    try:
        loaded = trimesh.load(source.path, file_type=suffix, process=False, force=None if suffix == "obj" else "mesh", skip_materials=True)
    except IndexError:
        raise broken(source.name, "a face of it speaks of a vertex that is not there") from None
    except Exception as error:  # trimesh raises whatever its parsers stumble on
        raise broken(source.name, f"it is no sound {suffix.upper()} file ({type(error).__name__})") from None
    mesh = loaded.to_mesh() if isinstance(loaded, trimesh.Scene) else loaded
    if isinstance(mesh, trimesh.PointCloud) or not len(getattr(mesh, "faces", ())):
        return [Raw(source.name, np.asarray(mesh.vertices, np.float64).reshape(-1, 3), unit=_unit(suffix))]
    return [_from_mesh(source.name, mesh, _unit(suffix))]


def _unit(suffix: str) -> str | None:
    return "m" if suffix == "glb" else None  # glTF is in metres by definition


def _from_mesh(name: str, mesh: Any, unit: str | None) -> Raw:
    import trimesh

    if not np.isfinite(mesh.vertices).all() or mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise broken(name, "its faces name vertices that are not there, or its coordinates are not finite")
    colors = to_colors(np.asarray(mesh.visual.vertex_colors)[:, :3]) if mesh.visual.kind == "vertex" else None
    if len(np.unique(mesh.faces)) >= _DENSE:
        mesh.merge_vertices()
        colors = None if colors is None else to_colors(np.asarray(mesh.visual.vertex_colors)[:, :3])
        return Raw(name, np.asarray(mesh.vertices, np.float64), np.asarray(mesh.vertex_normals), colors, unit=unit)
    points, faces = trimesh.sample.sample_surface(mesh, _SAMPLES, seed=0)
    normals = np.asarray(mesh.face_normals)[faces]
    if colors is not None:
        colors = to_colors(np.asarray(colors, np.float64)[mesh.faces[faces]].mean(1).astype(np.uint8))
    return Raw(name, np.asarray(points, np.float64), normals, colors, unit=unit)


def _check(source: Source, suffix: str) -> None:
    """Compare what the header says with the bytes that are there."""
    size = source.path.stat().st_size
    with source.path.open("rb") as stream:
        head = stream.read(84)
    if suffix == "glb":
        if len(head) < 12 or head[:4] != b"glTF" or struct.unpack("<I", head[8:12])[0] > size:
            raise broken(source.name, "it is no GLB file or looks cut off")
    elif suffix == "stl" and not head.lstrip().startswith(b"solid"):
        said = struct.unpack("<I", head[80:84])[0] if len(head) == 84 else 0
        if 84 + 50 * said > size or not said:
            raise broken(source.name, f"it looks cut off: its header says {said} triangles, the file holds {max(0, size - 84) // 50}")
    elif suffix == "off" and b"OFF" not in head[:20]:
        raise broken(source.name, "it is no OFF file")
    elif suffix == "obj" and b"\0" in head:
        raise broken(source.name, "it is not a text file")
