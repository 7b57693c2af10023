"""Finds the one mesh file of a drop, unpacking .gz and .zip on the way, with limits on what comes out."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from pipeline.errors import InputRejected
from pipeline.stages.mesh._sniff import MESH_SUFFIXES
from pipeline.workspace import Workspace

MOST_BYTES = 8 << 30
MOST_FILES = 2000
MOST_RATIO = 500  # text compresses to about a twentieth; past this it is a bomb


def find_mesh(names: Iterable[str], ws: Workspace) -> Path:
    """Path of the mesh to read; the files it refers to lie beside it. InputRejected where there is none, or more than one."""
    found = [path for name in names for path in _expand(ws.input / name, ws)]
    meshes = [path for path in found if path.suffix.lower() in MESH_SUFFIXES]
    if not meshes:
        seen = ", ".join(sorted(path.name for path in found)[:5]) or "nothing"
        raise InputRejected(f"no mesh file in the drop (found: {seen})", remedy=f"Drop one file of {', '.join(MESH_SUFFIXES)}.")
    if len(meshes) > 1:
        listed = ", ".join(sorted(path.name for path in meshes)[:5])
        raise InputRejected(f"{len(meshes)} mesh files in one drop ({listed})", remedy="Drop each mesh in a folder of its own.")
    return meshes[0]


def _expand(path: Path, ws: Workspace) -> list[Path]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return [_gunzip(path, ws.path(f"unpacked/{path.stem}"))]
    if suffix == ".zip":
        return _unzip(path, ws)
    return [path]


def _gunzip(path: Path, target: Path) -> Path:
    try:
        with gzip.open(path) as packed:
            _pour(packed, target, path)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputRejected(f"{path.name} looks cut off: it does not unpack to its end", remedy="Copy the file again.") from None
    return target


def _unzip(path: Path, ws: Workspace) -> list[Path]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > MOST_FILES or sum(member.file_size for member in members) > MOST_BYTES:
                raise InputRejected(f"{path.name} would unpack to more than {MOST_BYTES >> 30} GB or {MOST_FILES} files")
            targets = []
            for member in members:
                # the bare name: whatever folders a member claims, it lands in the workspace
                target = ws.path(f"unpacked/{PurePosixPath(member.filename.replace(chr(92), '/')).name}")
                with archive.open(member) as packed:
                    _pour(packed, target, path)
                targets.append(target)
            return targets
    except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError, NotImplementedError):
        raise InputRejected(f"{path.name} does not unpack: it is damaged, cut off or encrypted", remedy="Pack it again.") from None


def _pour(packed: IO[bytes] | gzip.GzipFile, target: Path, source: Path) -> None:
    """Copy PACKED to TARGET and stop at the limits."""
    most = min(MOST_BYTES, max(source.stat().st_size * MOST_RATIO, 64 << 20))
    with target.open("wb") as out:
        while block := packed.read(1 << 20):
            out.write(block)
            if out.tell() > most:
                raise InputRejected(f"{source.name} unpacks to more than {most >> 20} MB: it looks like an archive bomb")
