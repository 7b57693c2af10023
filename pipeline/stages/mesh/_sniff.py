"""Looks at a mesh file's bytes before any parser does: is it what its name says, and is all of it there?"""

from __future__ import annotations

import json
import re
import struct
import zipfile
from pathlib import Path

from pipeline.errors import InputRejected

MESH_SUFFIXES = (".obj", ".stl", ".ply", ".glb", ".gltf", ".off", ".3mf")

MAGIC = (
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x89PNG", "a PNG image"),
    (b"GIF8", "a GIF image"),
    (b"RIFF", "a WebP image, sound or video"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"PK\x03\x04", "a zip archive"),
    (b"glTF", "a GLB model"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"Kaydara FBX", "an FBX model"),
)
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression")
PLY_BYTES = {"char": 1, "uchar": 1, "int8": 1, "uint8": 1, "short": 2, "ushort": 2, "int16": 2, "uint16": 2, "int": 4, "uint": 4,
             "int32": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8}  # fmt: skip


def check(path: Path) -> None:
    """Raise InputRejected, naming the file and the fact, unless PATH holds all the bytes that its header promises."""
    size = path.stat().st_size
    if size == 0:
        raise InputRejected(f"{path.name} is empty (0 bytes)", remedy="Copy the file again and move the folder back to inbox/.")
    with path.open("rb") as stream:
        head = stream.read(4096)
    suffix = path.suffix.lower()
    own = {".glb": b"glTF", ".3mf": b"PK\x03\x04"}.get(suffix)
    if own is None or not head.startswith(own):
        for magic, what in MAGIC:
            if head.startswith(magic):
                raise InputRejected(f"{path.name} is {what}, not a {suffix[1:].upper()} mesh")
    {".stl": _stl, ".ply": _ply, ".glb": _glb, ".off": _off, ".obj": _obj, ".3mf": _3mf, ".gltf": _gltf}[suffix](path, head, size)


def cut_off(path: Path, fact: str) -> InputRejected:
    return InputRejected(f"{path.name} looks cut off: {fact}", remedy="Copy the file again and move the folder back to inbox/.")


def _stl(path: Path, head: bytes, size: int) -> None:
    if size >= 84 and size == 84 + 50 * struct.unpack_from("<I", head, 80)[0]:
        return
    if head.lstrip().startswith(b"solid") and (b"facet" in head or b"endsolid" in head):
        if b"endsolid" not in _tail(path):
            raise cut_off(path, "the closing line 'endsolid' is missing")
        return
    if size < 84:
        raise InputRejected(f"{path.name} is not an STL mesh: {size} bytes are too few for a header")
    wanted = 84 + 50 * struct.unpack_from("<I", head, 80)[0]
    if b"\0" not in head[84:] and b"\0" not in head[:84].rstrip(b"\0 "):
        raise InputRejected(f"{path.name} is not an STL mesh: it holds neither facets nor a facet count")
    if size < wanted:
        raise cut_off(path, f"its header promises {wanted} bytes, {size} are there")


def _ply(path: Path, head: bytes, size: int) -> None:
    if not head.startswith(b"ply"):
        raise InputRejected(f"{path.name} is not a PLY file: it does not begin with 'ply'")
    with path.open("rb") as stream:
        text = stream.read(65536)
    end = re.search(rb"end_header\r?\n?", text)
    if end is None:
        raise cut_off(path, "its header does not end")
    binary, wanted, rows = b"binary" in text[: end.end()], 0, 0
    count = 0
    for words in (line.split() for line in text[: end.start()].decode("latin-1").splitlines()):
        if words[:1] == ["element"] and len(words) == 3 and words[2].isdigit():
            count = int(words[2])
            rows += count
        elif words[:2] == ["property", "list"] and len(words) == 5:
            # a polygon has three corners at the least
            wanted += count * (PLY_BYTES.get(words[2], 1) + (3 * PLY_BYTES.get(words[3], 4) if "ind" in words[4] else 0))
        elif words[:1] == ["property"] and len(words) == 3:
            wanted += count * PLY_BYTES.get(words[1], 4)
    there = size - end.end()
    if binary and there < wanted:
        raise cut_off(path, f"its header promises at least {wanted} bytes of data, {there} are there")
    if not binary and _lines(path) - text[: end.end()].count(b"\n") < rows:
        raise cut_off(path, f"its header promises {rows} lines of data")


def _glb(path: Path, head: bytes, size: int) -> None:
    if not head.startswith(b"glTF") or size < 20:
        raise InputRejected(f"{path.name} is not a GLB file: it does not begin with 'glTF'")
    version, length = struct.unpack_from("<II", head, 4)
    if version != 2:
        raise InputRejected(f"{path.name} is glTF version {version}; only version 2 is read")
    if size < length:
        raise cut_off(path, f"its header promises {length} bytes, {size} are there")
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
            raise cut_off(path, f"its header promises {promised} lines of data")


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
        raise cut_off(path, "its table of contents is missing") from None
    if not any(name.lower().endswith(".model") for name in names):
        raise InputRejected(f"{path.name} is a zip archive without a 3MF model inside")
    if total > 8 << 30:
        raise InputRejected(f"{path.name} unpacks to {total >> 30} GB, more than 8 GB")


def _tail(path: Path, length: int = 512) -> bytes:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - length))
        return stream.read()


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        count = sum(block.count(b"\n") for block in iter(lambda: stream.read(1 << 20), b""))
    return count + (not _tail(path, 1).endswith(b"\n"))
