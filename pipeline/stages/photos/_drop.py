"""The photographs of a drop: its pictures, archives opened, where it holds no scan."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.artefacts import Dropped
from pipeline.formats import archives, frames, masks, pictures, signatures, tables
from pipeline.formats.account import listed
from pipeline.formats.meant import meant
from pipeline.formats.refusals import Source
from pipeline.workspace import Workspace

UNCLEAR = (
    "{} may be the mask of {}, and is used of none of them: put it into a folder called as theirs,"
    " below masks"
)


class Photographed(NamedTuple):
    """photos: in the order of their names; masks: by the name of the photo they go with; lists: the
    texts beside them."""

    photos: list[Source]
    masks: dict[str, Source]
    lists: list[Source]


def photographs(dropped: Dropped, reference: str | None, ws: Workspace) -> Photographed:
    """All pictures that were dropped; none where anything else was dropped with them but the mesh
    that REFERENCE names, or a picture tells depths."""
    found = [one for name in dropped.names for one in _inside(name, ws)]
    compared = meant(reference, [one.name for one in found]) if reference else []
    if any(_speaks_against(one) for one in found if one.name not in compared):
        return Photographed([], {}, [])
    shown = {one.name: one for one in found if _is_picture(one)}
    told = masks.of(shown)
    for mask, theirs in told.unclear.items():
        ws.warn(UNCLEAR.format(mask, listed(theirs)))
    return Photographed(
        [one for name, one in shown.items() if name not in told.aside],
        {photo: shown[mask] for photo, mask in told.pairs.items()},
        [one for one in found if frames.goes_with_photos(one.name)],
    )


def _inside(name: str, ws: Workspace) -> list[Source]:
    source = Source(name, ws.input / name)
    if not archives.is_archive(name):
        return [source]
    if not any(map(pictures.is_named, _members(source))):
        return [source]  # a packed scan: its reader opens it
    return archives.unpack(source, lambda number: ws.path(f"photos/unpacked/{name}.{number:05d}"))


def _members(source: Source) -> list[str]:
    """The names inside; what is wrong with an archive is its reader's to say."""
    lower = source.name.lower()
    members = archives.zip_members if lower.endswith(".zip") else archives.tar_members
    if not lower.endswith((".zip", *archives.TARS)):
        return []
    try:
        return [member.name for member in members(source.path)]
    except (*archives.DAMAGED, RuntimeError):
        return []


def _is_picture(source: Source) -> bool:
    if pictures.is_named(source.name):
        return True
    with source.path.open("rb") as stream:
        return pictures.kind_of(stream.read(512)) is not None


def _speaks_against(source: Source) -> bool:
    """A scan among pictures, or pictures that pair with depths; not a list of places."""
    if frames.goes_with_photos(source.name):
        return False
    return pictures.tells_depth(source.name) or PurePosixPath(source.name).suffix.lower() in _SCANS


_SCANS = (
    signatures.SCANS
    | (frozenset(tables.SUFFIXES) - {".txt"})  # a .txt may be anything
    | {".ply", ".obj", ".stl", ".glb", ".off", ".gz", ".pgm", ".ppm"}
)
