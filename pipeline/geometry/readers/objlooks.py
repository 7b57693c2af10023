"""The materials that the faces of an OBJ use, from the libraries that it names or that lie beside
it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers import mtl
from pipeline.geometry.readers.companions import Companions, text_of
from pipeline.geometry.readers.parts import Material
from pipeline.geometry.readers.textlines import Lines

Array = NDArray[Any]
# names that programs give to having none
NO_MATERIAL = (b"", b"none", b"(null)", b"default", b"default_material", b"defaultmat")


def materials(
    lines: Lines, faces: Array, beside: Companions, account: Account
) -> tuple[list[mtl.Look], Array]:
    """The looks that faces use, and the number of the look of each face."""
    known = _libraries(lines, beside, account)
    switches = lines.beginning(b"usemtl")
    said = [lines.text(int(line))[7:].strip() for line in switches]
    said = [one if one in known else one.partition(b" #")[0].rstrip() for one in said]
    names = list(dict.fromkeys(said))
    # the very name wins over one in other letters
    folded = {one.lower(): look for one, look in known.items()} | known
    looks = [
        mtl.Look(Material()),
        *(
            folded.get(one, folded.get(one.lower(), mtl.Look(Material(text_of(one)))))
            for one in names
        ),
    ]
    numbers_of = np.array([0, *(names.index(one) + 1 for one in said)])
    used = numbers_of[np.searchsorted(switches, faces)]
    for number in np.unique(used):
        if number and (missing := names[number - 1]).lower() not in NO_MATERIAL:
            account.declare("material", text_of(missing))
            account.arrive("material", text_of(missing), int(missing.lower() in folded))
    return looks, used


def _library(beside: Companions, reference: bytes) -> str | None:
    """The material file that REFERENCE means: one of another suffix only where it holds one."""
    found = beside.find(reference, (".mtl",))
    if found is None and (other := beside.find(reference)) is not None:
        held = re.search(rb"^\s*newmtl\b", beside.files[other].read_bytes(), re.I | re.M)
        found = other if held else None
    return found


def _libraries(lines: Lines, beside: Companions, account: Account) -> dict[bytes, mtl.Look]:
    known: dict[bytes, mtl.Look] = {}
    named = lines.beginning(b"mtllib")
    for line in named:
        whole = lines.text(int(line))[7:].strip()
        if not _library(beside, whole):
            whole = whole.partition(b" #")[0].rstrip()
        for reference in (
            [whole] if _library(beside, whole) else re.split(rb"(?<=\.mtl)\s+", whole, flags=re.I)
        ):
            short = text_of(reference).replace("\\", "/").rpartition("/")[2]
            account.declare("material file", short)
            found = _library(beside, reference)
            if found:
                account.arrive("material file", short)
                read = mtl.read(beside.files[found].read_bytes(), beside.below(found), account)
                mtl.say_twice(known, read, account)
                known.update(read)
    lone = [
        file for file in beside.files if file.lower().endswith(".mtl") and file not in beside.used
    ]
    if not known and len(lone) == 1 and len(lines.beginning(b"usemtl")):
        own = mtl.read(beside.files[lone[0]].read_bytes(), beside.below(lone[0]), account)
        beside.used.add(lone[0])
        why = "is not there" if len(named) else "is not named"
        account.remark(
            f"its material file {why}; {PurePosixPath(lone[0]).name}, the only one beside it, was"
            " taken"
        )
        return own
    return known
