"""Mesh files into arrays: one reader per format, each with an account of what the file declares and
what was read."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path, PurePosixPath

import numpy as np

from pipeline.errors import InputRejected
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import Contents

READERS = {
    ".obj": "obj",
    ".stl": "stl",
    ".ply": "ply",
    ".glb": "gltf",
    ".gltf": "gltf",
    ".off": "off",
    ".3mf": "threemf",
}
AGAIN = "Export it again and drop it anew."


def read(name: str, path: Path, beside: Companions) -> Contents:
    """What the mesh file PATH, which the person calls NAME, suffix included, holds. InputRejected
    where it is damaged, in words."""
    suffix = PurePosixPath(name).suffix
    reader = import_module(f"pipeline.geometry.readers.{READERS[suffix.lower()]}")
    try:
        with np.errstate(all="ignore"):  # what is not finite is sorted out where faces are
            found: Contents = reader.read(name, path, beside)
    except (
        ValueError,
        IndexError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
        ZeroDivisionError,
        UnicodeError,
    ) as error:
        # whatever a damaged file led the reader to that it has no words for
        raise InputRejected(
            f"{name} is damaged: its {suffix[1:].upper()} data contradict themselves", remedy=AGAIN
        ) from error
    return found
