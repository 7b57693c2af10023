"""Finds the one mesh file of a drop, archives opened, and the files that it may refer to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from layout import names as _names
from pipeline.errors import InputRejected
from pipeline.formats import archives, pictures
from pipeline.formats.refusals import MESH_SUFFIXES, Source
from pipeline.geometry.readers.companions import Companions
from pipeline.workspace import Workspace


def find_mesh(names: Iterable[str], ws: Workspace) -> tuple[Path, Companions]:
    """Path of the mesh to read, which has its suffix, and all files of the drop by their names,
    seen from the mesh. InputRejected where there is none, or more than one."""
    found = [one for name in names for one in _opened(Source(name, ws.input / name), ws)]
    meshes = [one for one in found if _suffix(one) in MESH_SUFFIXES]
    if not meshes:
        seen = ", ".join(sorted(PurePosixPath(one.name).name for one in found)[:5]) or "nothing"
        raise InputRejected(
            f"no mesh file in the drop (found: {seen})",
            remedy=f"Drop one file of {', '.join(MESH_SUFFIXES)}.",
        )
    if len(meshes) > 1:
        listed = ", ".join(sorted(PurePosixPath(one.name).name for one in meshes)[:5])
        raise InputRejected(
            f"{len(meshes)} mesh files in one drop ({listed})",
            remedy="Drop each mesh in a folder of its own.",
        )
    beside = {one.name: one.path for one in [*_lying(ws), *found]}
    return _called(meshes[0], ws), Companions(
        beside.items(), str(PurePosixPath(meshes[0].name).parent)
    )


def unreferred(names: Iterable[str], beside: Companions) -> list[str]:
    """The pictures and materials of the drop, packed or not, that the mesh which was read does not
    refer to."""
    mine = tuple(names)
    within = tuple(f"{name}/" for name in mine)
    kinds = (".mtl", ".bin", *pictures.BY_SUFFIX)
    return sorted(
        one
        for one in beside.files
        if (one in mine or one.startswith(within))
        and one.lower().endswith(kinds)
        and one not in beside.used
    )


def _suffix(source: Source) -> str:
    return PurePosixPath(source.name).suffix.lower()


def _lying(ws: Workspace) -> list[Source]:
    """Every file of the drop: what a mesh refers to counts, also where its kind is unknown."""
    below = [path.relative_to(ws.input) for path in ws.input.rglob("*") if path.is_file()]
    return [
        Source(path.as_posix(), ws.input / path)
        for path in below
        if not any(_names.ignored(part) for part in path.parts)
    ]


def _opened(source: Source, ws: Workspace) -> list[Source]:
    if not archives.is_archive(source.name):
        return [source]
    return archives.unpack(source, lambda number: ws.path(f"unpacked/{number:05d}"))


def _called(source: Source, ws: Workspace) -> Path:
    """The mesh under its own bare name: whatever folders a member of an archive claims, it lands in
    the workspace."""
    if source.path.is_relative_to(ws.input):
        return source.path
    return source.path.rename(ws.path(f"unpacked/{PurePosixPath(source.name).name}"))
