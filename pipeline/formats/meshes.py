"""A mesh file before any reader sees it: is it what its name says, and is all of it there?"""

from __future__ import annotations

import json
import re
import struct
import zipfile
from pathlib import Path

from pipeline.errors import InputRejected
from pipeline.formats import archives, completeness, ply, signatures, stl
from pipeline.formats.bytes import HEAD
from pipeline.formats.refusals import COPY_AGAIN, incomplete

COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")


def check(name: str, path: Path) -> None:
    """Raise InputRejected, naming the file and the fact, unless PATH holds all the bytes that its header promises."""
    size, suffix = path.stat().st_size, path.suffix.lower()
    if size == 0:
        raise InputRejected(f"{name} is empty (0 bytes)", remedy=COPY_AGAIN)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        _signature(name, suffix, head, size)
        missing = completeness.cut_off(path.name, size, stream)
    if missing:
        raise incomplete(name, missing)
    inside = {".glb": _glb, ".off": _off, ".obj": _obj, ".3mf": _3mf, ".gltf": _gltf}.get(suffix)
    if inside:
        inside(path, head, size)


def _signature(name: str, suffix: str, head: bytes, size: int) -> None:
    kind, wanted = signatures.sniff(head), suffix[1:].upper()
    expected = signatures.BY_SUFFIX.get(suffix)
    if not head.strip(b"\0"):
        raise InputRejected(f"{name} begins with nothing but zero bytes", remedy=COPY_AGAIN)
    other = kind is not None and kind not in (expected, "text")
    if kind and other and (kind in signatures.NO_MODEL or suffix not in signatures.FREE):
        raise InputRejected(f"{name} is {signatures.WORDS[kind]}, not a {wanted} mesh")
    if suffix == ".ply":
        _ply(name, head)
    elif suffix == ".stl" and not stl.is_text(head, size) and b"\0" not in head:
        if not head.lstrip()[:5].lower() == b"solid":
            raise InputRejected(f"{name} is not an STL mesh: it holds neither facets nor a facet count")
    elif expected and kind != expected:
        raise InputRejected(f"{name} is not a {wanted} file: it does not begin like {signatures.WORDS[expected]}")


def _ply(name: str, head: bytes) -> None:
    try:
        if not head.startswith(b"ply"):
            raise InputRejected(f"{name} is not a PLY file: it does not begin with 'ply'")
        if ply.read(head) is None:
            raise incomplete(name, "its header does not end")
    except ply.Unsound as fault:
        raise InputRejected(f"{name} cannot be read: {fault}", remedy="Export it again and drop it anew.") from None


def _glb(path: Path, head: bytes, size: int) -> None:
    version, length = struct.unpack_from("<II", head, 4)
    if version != 2:
        raise InputRejected(f"{path.name} is glTF version {version}; only version 2 is read")
    with path.open("rb") as stream:
        chunk, kind = struct.unpack("<I4s", stream.read(20)[12:])
        if kind != b"JSON" or chunk > length:
            raise InputRejected(f"{path.name} is a damaged GLB: its first part is not JSON")
        _document(path, stream.read(chunk))


def _gltf(path: Path, head: bytes, size: int) -> None:
    _document(path, path.read_bytes())


def _document(path: Path, text: bytes) -> None:
    try:
        needed = json.loads(text).get("extensionsRequired", ())
    except (ValueError, AttributeError):
        raise InputRejected(f"{path.name} is a damaged glTF file: its JSON part does not parse") from None
    for name in COMPRESSED:
        if name in needed:
            raise InputRejected(f"{path.name} is compressed with {name}, which is not read here", remedy="Export it without compression.")


def _off(path: Path, head: bytes, size: int) -> None:
    words = re.sub(rb"#.*", b"", head).split()
    if not words or not words[0].endswith(b"OFF"):
        raise InputRejected(f"{path.name} is not an OFF file: it does not begin with 'OFF'")
    if len(words) >= 3 and words[1].isdigit() and words[2].isdigit():
        promised = int(words[1]) + int(words[2])
        if _lines(path) < promised + 1:
            raise incomplete(path.name, f"its header promises {promised} lines of data")


def _obj(path: Path, head: bytes, size: int) -> None:
    if b"\0" in head:
        raise InputRejected(f"{path.name} is not an OBJ file: it is not text")
    seen_vertex = seen_face = False
    with path.open("rb") as stream:
        for line in stream:
            seen_vertex |= line.startswith((b"v ", b"v\t"))
            seen_face |= line.startswith((b"f ", b"f\t"))
            if seen_vertex and seen_face:
                return
    if not seen_vertex:
        raise InputRejected(f"{path.name} is not an OBJ file: no line of it is a vertex")
    raise InputRejected(f"{path.name} has vertices but no faces", remedy="Drop point clouds as scan passes (kind = scan).")


def _3mf(path: Path, head: bytes, size: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            total = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise incomplete(path.name, "its table of contents is missing") from None
    if not any(name.lower().endswith(".model") for name in names):
        raise InputRejected(f"{path.name} is a zip archive without a 3MF model inside")
    if archives.too_large(total, size):
        raise InputRejected(f"{path.name} unpacks to far more than it weighs ({total >> 20} MB)")


def _tail(path: Path, length: int = 512) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - length))
        return stream.read()


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        count = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    return count + (not _tail(path, 1).endswith(b"\n"))
