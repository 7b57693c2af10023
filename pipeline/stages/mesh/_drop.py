"""Finds the one mesh file of a drop, archives opened, and the files that it may refer to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pipeline.errors import InputRejected
from pipeline.formats import archives, pictures
from pipeline.formats.meshes import one_model
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
    if best := one_model([one.name for one in meshes]):
        meshes = [one for one in meshes if one.name == best]
    if len(meshes) > 1:
        short = {PurePosixPath(one.name).name for one in meshes}
        told = short if len(short) == len(meshes) else {one.name for one in meshes}
        listed = ", ".join(sorted(told)[:5])
        raise InputRejected(
            f"{len(meshes)} mesh files in one drop ({listed})",
            remedy="Drop each mesh in a folder of its own.",
        )
    beside = {name: ws.input / name for name in ws.lying()} | {one.name: one.path for one in found}
    opened = {name for name in names if archives.is_archive(name)}
    return _called(meshes[0], ws), Companions(
        beside.items(), str(PurePosixPath(meshes[0].name).parent), opened
    )


def unreferred(mesh: str, beside: Companions) -> tuple[list[str], list[str]]:
    """What of the drop, packed or not, was not used, MESH apart: pictures and materials, which it
    could have referred to, and the rest."""
    kinds = (".mtl", ".bin", *pictures.BY_SUFFIX)
    opened = {str(folder) for one in beside.files for folder in PurePosixPath(one).parents}
    left = sorted(
        one
        for one in beside.files
        if one not in beside.used and one not in opened and PurePosixPath(one).name != mesh
    )
    return [one for one in left if one.lower().endswith(kinds)], [
        one for one in left if not one.lower().endswith(kinds)
    ]


def _suffix(source: Source) -> str:
    return PurePosixPath(source.name).suffix.lower()


def _opened(source: Source, ws: Workspace) -> list[Source]:
    if not archives.is_archive(source.name):
        return [source]
    return archives.unpack(source, lambda number: ws.path(f"packed/{source.name}.{number:05d}"))


def _called(source: Source, ws: Workspace) -> Path:
    """The mesh under its own bare name: whatever folders a member of an archive claims, it lands in
    the workspace."""
    if source.path.is_relative_to(ws.input):
        return source.path
    return source.path.rename(ws.path(f"unpacked/{PurePosixPath(source.name).name}"))
