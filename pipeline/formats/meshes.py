"""A mesh file before any reader sees it: is it what its name says, and is all of it there?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipeline.errors import InputRejected
from pipeline.formats import completeness, ply, signatures, stl
from pipeline.formats.bytes import HEAD
from pipeline.formats.refusals import COPY_AGAIN, incomplete

# of one model in several formats the one that holds most
BEST = (".glb", ".gltf", ".3mf", ".obj", ".ply", ".off", ".stl")


def one_model(names: Sequence[str]) -> str | None:
    """The mesh to read of NAMES, where they differ in their suffixes alone, as exporters of all
    formats pack them; None where they do not."""
    plain = {name: signatures.suffix(name) for name in names}
    stems = {PurePosixPath(name).name.partition(".")[0].casefold() for name in names}
    if len(names) < 2 or len(stems) > 1 or len({*plain.values()}) < len(names):
        return None
    return min(names, key=lambda name: BEST.index(plain[name]) if plain[name] in BEST else 99)


def check(name: str, path: Path) -> None:
    """Raise InputRejected, naming the file and the fact, unless PATH holds all the bytes that its
    header promises."""
    size, suffix = path.stat().st_size, PurePosixPath(name).suffix.lower()
    if size == 0:
        raise InputRejected(f"{name} is empty (0 bytes)", remedy=COPY_AGAIN)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
        stream.seek(0)
        _signature(name, suffix, head, size)
        missing = completeness.cut_off(name, size, stream)
    if missing:
        raise incomplete(name, missing)


def _signature(name: str, suffix: str, head: bytes, size: int) -> None:
    kind, wanted = signatures.sniff(head), suffix[1:].upper()
    expected = signatures.BY_SUFFIX.get(suffix)
    if not head.strip(b"\0"):
        raise InputRejected(f"{name} begins with nothing but zero bytes", remedy=COPY_AGAIN)
    other = kind is not None and kind not in (expected, "text", "utf16")
    if kind and other and (kind in signatures.NO_MODEL or suffix not in signatures.FREE):
        raise InputRejected(f"{name} is {signatures.WORDS[kind]}, no {wanted} mesh")
    if kind == "utf16" and expected:
        raise InputRejected(
            f"{name} is text in UTF-16, not a {wanted} file",
            remedy="Save it as plain text (ASCII).",
        )
    if suffix == ".ply":
        _ply(name, head)
    elif suffix == ".stl" and not stl.is_text(head, size) and b"\0" not in head:
        if not head.lstrip()[:5].lower() == b"solid":
            raise InputRejected(
                f"{name} is not an STL mesh: it holds neither facets nor a facet count"
            )
    elif expected and kind != expected:
        raise InputRejected(
            f"{name} is not a {wanted} file: it does not begin like {signatures.WORDS[expected]}"
        )


def _ply(name: str, head: bytes) -> None:
    try:
        if ply.FIRST.match(head) is None:
            raise InputRejected(f"{name} is not a PLY file: it does not begin with 'ply'")
        if ply.read(head) is None:
            raise incomplete(name, "its header does not end")
    except ply.Unsound as fault:
        raise InputRejected(
            f"{name} cannot be read: {fault}", remedy="Export it again and drop it anew."
        ) from None
