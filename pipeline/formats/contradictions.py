"""What speaks against a file being what its name says."""

from __future__ import annotations

import json
import re

from pipeline.formats import foreign, off, pictures, ply, signatures, stl, tables, texts
from pipeline.formats.gzip import unzipped
from pipeline.formats.signatures import (
    BY_SUFFIX,
    FREE,
    MODEL_KINDS,
    TEXT,
    WORDING,
    WORDS,
    packed,
    sniff,
    suffix,
)

MODELS = frozenset({".obj", ".stl", ".off", ".gltf", ".ply", ".glb", ".3mf", *tables.SUFFIXES}) - {
    ".txt"
}
_INSTEAD = ("html", "lfs")  # what is found in the place of a file that was never fetched


def contradiction(name: str, head: bytes) -> str | None:
    """In words what the file is, if its first bytes are surely not what its name says; None if they
    agree or tell nothing.

    Zeros tell nothing: a copier may have made room for the file without filling it yet.
    """
    if packed(name):
        kind = sniff(head)
        return WORDS[kind] if kind not in ("gzip", None) else contradiction_inside(name, head)
    return _against(suffix(name), head) or _senseless(suffix(name), head)


def _senseless(ending: str, head: bytes) -> str | None:
    """A PLY header that is there to its end and cannot be right: no copying will mend it."""
    try:
        ply.read(head if ending == ".ply" else b"")
    except ply.Unsound as fault:
        return f"a PLY file whose header makes no sense: {fault}"
    return None


def by_content(ending: str, head: bytes, size: int) -> str | None:
    """In words what a model or scan of SIZE bytes with an unknown ENDING is, None where its first
    bytes do not tell."""
    if ending in signatures.FILES or foreign.words(f"a{ending}"):
        return None
    kind = sniff(head)
    if kind in ("text", "utf16"):
        suffix = texts.suffix_of(head)
        return texts.words(suffix) if suffix else None
    if kind is None and size > stl.HEADER and size == stl.HEADER + stl.FACET * stl.count(head):
        return "an STL model"
    return WORDS[kind] if kind in {*MODEL_KINDS, "blend"} else None


def remedy(really: str) -> str:
    """What to do about a file that is REALLY something else."""
    if really in (WORDS[kind] for kind in _INSTEAD):
        return "Fetch the file itself (git lfs pull, or log in and download it), and drop it again."
    return "Give it its right suffix or take it out."


def contradiction_inside(name: str, head: bytes) -> str | None:
    found = _against(suffix(name), unzipped(head)) if suffix(name) != ".tar" else None
    return f"{found} in gzip" if found else None


def _against(ending: str, head: bytes) -> str | None:
    kind = sniff(head)
    if kind is None:
        return None
    if kind in ("text", "utf16") and ending in MODELS:
        really = texts.suffix_of(head)
        if really not in (None, ending):
            return texts.words(really)
    if kind in ("ply", "pcd") and ending in (".obj", ".stl", ".off", ".gltf"):
        return WORDS[kind]
    if ending in BY_SUFFIX:
        expected = BY_SUFFIX[ending]
        # pictures are read by what they are
        pictured = expected in pictures.KINDS and kind in pictures.KINDS
        return None if pictured or kind == expected or expected.startswith(kind) else WORDS[kind]
    if kind in _INSTEAD and ending in (TEXT | FREE) - WORDING:
        return WORDS[kind]
    if ending in TEXT or ending in FREE:
        return None if kind in ("text", "utf16", *_INSTEAD, "pcd", "ply", "pnm") else WORDS[kind]
    return None


def only_vertices(ending: str, head: bytes, tail: bytes) -> bool:
    """Is this OBJ, OFF or GLB file a list of points, by its first and last bytes: vertices, and no
    face that joins them?"""
    if ending == ".off":
        counts = off.read(head)
        return counts is not None and counts.vertices > 0 and counts.faces == 0
    if ending == ".glb":
        return _only_glb_points(head)
    face = re.search(rb"(?:^|[\r\n])[ \t]*fo?[ \t]", head + b"\n" + tail)
    return (
        ending == ".obj"
        and face is None
        and re.search(rb"(?:^|[\r\n])[ \t]*v[ \t]", head) is not None
    )


def without_faces(ending: str, head: bytes) -> str:
    """In words what a mesh file of HEAD holds that has no faces: "12 points and no faces"."""
    many: int | None = None
    if ending == ".ply" and (header := ply.read(head)) is not None:
        many = header.rows("vertex")
    elif ending == ".off" and (counts := off.read(head)) is not None:
        many = counts.vertices
    lines = ending == ".obj" and re.search(rb"(?:^|[\r\n])[ \t]*l[ \t]", head) is not None
    held = "points" if many is None else f"{many} points" if many else "neither points"
    joined = "nor faces" if many == 0 else "and no faces"
    return f"{held}{', lines' * lines} {joined}"


def _only_glb_points(head: bytes) -> bool:
    """Does the document of a GLB, which is there whole, know no other primitives than points?"""
    length = int.from_bytes(head[12:16], "little")
    try:
        document = json.loads(head[20 : 20 + length])
        modes = [part.get("mode", 4) for mesh in document["meshes"] for part in mesh["primitives"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    return bool(modes) and set(modes) == {0}
