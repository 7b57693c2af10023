"""Words for files that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipeline.errors import InputRejected

MESH_SUFFIXES = (".obj", ".stl", ".ply", ".glb", ".gltf", ".off", ".3mf")
COPY_AGAIN = "Copy the file again."


class Source(NamedTuple):
    """One file to read: the name the person knows it by, and where its bytes lie."""

    name: str
    path: Path


def incomplete(name: str, fact: str) -> InputRejected:
    return InputRejected(f"{name} looks cut off: {fact}", remedy=COPY_AGAIN)


def cut_off(name: str, said: int, held: int) -> InputRejected:
    return InputRejected(
        f"{name} looks cut off: header says {said} points, file holds {held}",
        remedy="Export or copy the file again.",
    )


def broken(name: str, why: str) -> InputRejected:
    return InputRejected(
        f"{name} cannot be read: {why}",
        remedy="Export the file again, as PLY or E57 if the program offers it.",
    )
