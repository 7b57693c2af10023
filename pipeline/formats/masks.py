"""Masks beside photographs: black and white pictures that say which of their pixels count. They are
known by their names: IMG_1_mask.png, IMG_1.jpg.mask.png, masks/IMG_1.png or masks/IMG_1.jpg.png go
with IMG_1.jpg."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from pipeline.formats import pictures

_WORD = re.compile(r"(?<![a-z])masks?(?![a-z])", re.I)
_AROUND = re.compile(r"^[-_. ()]+|[-_. ()]+$")


def pairs(names: Iterable[str]) -> dict[str, str]:
    """Photograph → its mask, of the pictures NAMES. A picture called a mask that goes with none is
    a photograph (of a mask, perhaps)."""
    called, photos = list[str](), list[str]()
    for name in sorted(names):
        (called if _is_called(name) else photos).append(name)
    masks = {_bare(_WORD.sub("", PurePosixPath(name).name)): name for name in called}
    return {
        name: masks[bare]
        for name in photos
        if (bare := _bare(PurePosixPath(name).name)) and bare in masks
    }


def _is_called(name: str) -> bool:
    path = PurePosixPath(name)
    return _WORD.search(path.name) is not None or _WORD.fullmatch(path.parent.name) is not None


def _bare(name: str) -> str:
    """Without the endings of pictures, and without signs around."""
    bare = _AROUND.sub("", name)
    while PurePosixPath(bare).suffix.lower() in pictures.BY_SUFFIX:
        bare = _AROUND.sub("", bare[: -len(PurePosixPath(bare).suffix)])
    return bare.lower()
