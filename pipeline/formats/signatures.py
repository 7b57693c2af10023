"""What a file is by its first bytes, and what its name says that it should be."""

from __future__ import annotations

import codecs
import functools
import re
from pathlib import PurePosixPath

from layout.names import KNOWN, without_go
from pipeline.formats import pictures, ply, tables

WORDS = {
    "ply": "a PLY file",
    "pcd": "a PCD file",
    "e57": "an E57 file",
    "las": "a LAS file",
    "glb": "a GLB model",
    "pnm": "a PGM or PPM image",
    "zip": "a zip archive",
    "gzip": "a gzip file",
    "7z": "a 7z archive",
    "rar": "a RAR archive",
    "pdf": "a PDF document",
    "video": "a video",
    "sound": "a sound file",
    "html": "a web page",
    "lfs": "a pointer of Git LFS, which says what belongs here, and not that file",
    "program": "a program",
    "database": "a database",
    "fbx": "an FBX model",
    "blend": "a Blender scene",
    "usd": "a USD scene",
    "text": "plain text",
    "utf16": "text in UTF-16",
    **{kind: words for kind, (words, _) in pictures.KINDS.items()},
}

_MAGIC = (
    (b"# .PCD", "pcd"),
    (b"\xef\xbb\xbf# .PCD", "pcd"),
    (b"ASTM-E57", "e57"),
    (b"LASF", "las"),
    (b"glTF", "glb"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"%PDF-", "pdf"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"ID3", "sound"),
    (b"OggS", "sound"),
    (b"fLaC", "sound"),
    (b"\x7fELF", "program"),
    (b"SQLite format 3\0", "database"),
    (b"Kaydara FBX", "fbx"),
    (b"BLENDER", "blend"),
    (b"PXR-USDC", "usd"),
)

# What the first bytes of a file with this suffix must be.
BY_SUFFIX = {
    ".ply": "ply",
    ".pcd": "pcd",
    ".e57": "e57",
    ".las": "las",
    ".laz": "las",
    ".glb": "glb",
    ".pgm": "pnm",
    ".ppm": "pnm",
    ".zip": "zip",
    ".3mf": "zip",
    ".usdz": "zip",
    ".gz": "gzip",
    **pictures.BY_SUFFIX,
}
TEXT = frozenset(
    {
        *tables.SUFFIXES,
        ".ptx",
        ".obj",
        ".off",
        ".gltf",
        ".txt",
        ".json",
        ".md",
        ".toml",
    }
)
FREE = frozenset({".stl", ".tar"})  # may begin with nearly anything
# What a person's name for an object may end in only because a file is called so.
FILES = frozenset(BY_SUFFIX) | TEXT | FREE | {".tgz", ".7z", ".fbx", ".stp", ".step"}
# Kinds that hold points or faces, whatever the name says; of what is in neither list only the name
# tells.
MODEL_KINDS = frozenset({"ply", "pcd", "e57", "las", "glb", "fbx"})
NO_MODEL = frozenset(WORDS) - MODEL_KINDS - {"pnm", "text", "utf16"}
SCANS = frozenset({".pcd", ".e57", ".las", ".laz", ".ptx"})  # suffixes of points without faces
WORDING = frozenset({".txt", ".json", ".md", ".toml"})  # somebody's words, no scan
NEVER_EMPTY = (frozenset(BY_SUFFIX) | TEXT | FREE) - (WORDING - {".toml"})

_TEXTS = (
    (b"<!doctype html", "html"),
    (b"<html", "html"),
    (b"version https://git-lfs", "lfs"),
)


@functools.lru_cache(KNOWN)
def suffix(name: str) -> str:
    """The suffix that tells the format, lower case: ".ply" of a.PLY, a.ply.gz and a.ply.go."""
    plain = PurePosixPath(without_go(name)).name.lower()
    if plain.endswith(".tgz"):
        return ".tar"
    return PurePosixPath(plain.removesuffix(".gz")).suffix


def packed(name: str) -> bool:
    """Is this one gzip-packed file, by its name?"""
    return without_go(name).lower().endswith((".gz", ".tgz"))


def sniff(head: bytes) -> str | None:
    """A key of WORDS, or None where the first bytes tell nothing."""
    found = (
        next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)
        or pictures.kind_of(head)
        or _container(head)
    )
    if found is None and head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf16" if looks_like_text(head[2:].replace(b"\0", b"")) else None
    if found is None and ply.FIRST.match(head):
        return "ply"
    if found is None and _is_pcd(head):
        return "pcd"
    if found is None and looks_like_text(head):
        start = head[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        found = next((kind for first, kind in _TEXTS if start.startswith(first)), "text")
    return found


def _container(head: bytes) -> str | None:
    if head[4:8] == b"ftyp":
        return "video"
    if head[:4] == b"RIFF" and len(head) >= 12:
        return "video" if head[8:12] == b"AVI " else "sound"
    if head[:2] == b"MZ" and b"PE\0\0" in head[:1024]:
        return "program"
    return "pnm" if re.match(rb"P[1-6]\s", head) else None


def _is_pcd(head: bytes) -> bool:
    """Whether a header of PCD stands there, whatever its first line says."""
    header = head[:4096].partition(b"\nDATA")[0]
    return (
        re.search(rb"^FIELDS\s", header, re.M) is not None
        and re.search(rb"^(VERSION|SIZE)\s", header, re.M) is not None
        and looks_like_text(header)
    )


def looks_like_text(head: bytes) -> bool:
    """Printable in UTF-8 or Latin-1: no control characters but blanks; a character cut in half at
    the end is no matter."""
    return bool(head) and not re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head)


def decoded(data: bytes) -> str:
    """Text in UTF-8, or in UTF-16 where its byte order mark says so, with plain line ends;
    UnicodeDecodeError where it is neither."""
    form = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    return data.decode(form).lstrip("\ufeff").replace("\r\n", "\n")
