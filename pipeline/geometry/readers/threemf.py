"""3MF: items and components in their places, in all parts of the package; colours of base
materials, colour groups and textures."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import (
    Contents,
    Part,
    damaged,
)
from pipeline.geometry.readers.threemfpackage import Package, say_slicer
from pipeline.geometry.readers.threemfpaint import painted

Array = NDArray[Any]
DEEPEST = 50
MOST_PLACED = 100_000  # objects: those that several others hold count each time
UNITS = {
    "micron": 0.001,
    "millimeter": 1.0,
    "centimeter": 10.0,
    "inch": 25.4,
    "foot": 304.8,
    "meter": 1000.0,
}


def read(name: str, path: Path, beside: Companions) -> Contents:
    """The build as it would be printed; coordinates in the model's unit, microns as millimetres."""
    account = Account(name)
    try:
        package = Package(name, path, account)
        start = package.start()
        root = package.document(start)
        wanted = root.items or [(start, key, np.eye(4)) for key in root.objects]
        parts = [
            part
            for where, key, matrix in wanted
            for part in _placed(package, where or start, key, matrix, 0)
        ]
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError):
        raise damaged(name, "a part of it does not unpack") from None
    say_slicer(package)
    if root.unit not in UNITS:
        raise damaged(name, f"its unit is {root.unit[:40]!r}")
    if root.unit == "micron":
        parts = [replace(part, vertices=part.vertices * UNITS["micron"]) for part in parts]
    return Contents(parts, account, "millimeter" if root.unit == "micron" else root.unit)


def _placed(package: Package, where: str, key: str, matrix: Array, depth: int) -> list[Part]:
    """The parts of one object and of all its components, moved by MATRIX."""
    document = package.document(where)
    if document.unit != package.document(package.start()).unit:
        package.account.remark(
            f"its part {where} counts in {document.unit[:20]} and its first part does not; all was"
            " taken in the unit of the first"
        )
    package.placed += 1
    depth = depth if package.placed <= MOST_PLACED else DEEPEST + 1
    if key not in document.objects or depth > DEEPEST:
        raise damaged(
            package.name,
            (
                f"it speaks of the object {key[:20]}, which is not in it"
                if depth <= DEEPEST
                else "its components hold each other"
            ),
        )
    entry, found = document.objects[key], []
    if entry.kind != "model":
        package.account.remark(
            f"objects of the type {entry.kind[:20]} were read as parts of the model"
        )
    for part in painted(package, document, entry):
        faces = part.faces if np.linalg.det(matrix[:3, :3]) > 0 else part.faces[:, ::-1]
        found.append(
            replace(part, vertices=part.vertices @ matrix[:3, :3].T + matrix[:3, 3], faces=faces)
        )
    for part_of, other, own in entry.components:
        found += _placed(package, part_of or where, other, matrix @ own, depth + 1)
    return found
