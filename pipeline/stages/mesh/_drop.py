"""Finds the one mesh file of a drop, archives opened."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pipeline.errors import InputRejected
from pipeline.formats import archives
from pipeline.formats.refusals import MESH_SUFFIXES, Source
from pipeline.workspace import Workspace


def find_mesh(names: Iterable[str], ws: Workspace) -> Path:
    """Path of the mesh to read; the files it refers to lie beside it. InputRejected where there is none, or more than one."""
    found = [path for name in names for path in _expand(Source(name, ws.input / name), ws)]
    meshes = [path for path in found if path.suffix.lower() in MESH_SUFFIXES]
    if not meshes:
        seen = ", ".join(sorted(path.name for path in found)[:5]) or "nothing"
        raise InputRejected(f"no mesh file in the drop (found: {seen})", remedy=f"Drop one file of {', '.join(MESH_SUFFIXES)}.")
    if len(meshes) > 1:
        listed = ", ".join(sorted(path.name for path in meshes)[:5])
        raise InputRejected(f"{len(meshes)} mesh files in one drop ({listed})", remedy="Drop each mesh in a folder of its own.")
    return meshes[0]


def _expand(source: Source, ws: Workspace) -> list[Path]:
    """SOURCE, or what is in it, each under its bare name: whatever folders a member claims, it lands in the workspace."""
    if not archives.is_archive(source.name):
        return [source.path]
    found = archives.unpack(source, lambda number: ws.path(f"unpacked/{number:05d}"))
    return [one.path.rename(ws.path(f"unpacked/{PurePosixPath(one.name).name}")) for one in found]
