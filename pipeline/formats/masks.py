"""Masks beside photographs: black and white pictures that say which of their pixels count. They are
known by their names: IMG_1_mask.png, IMG_1.jpg.mask.png, masks/IMG_1.png or masks/IMG_1.jpg.png go
with IMG_1.jpg."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from pipeline.formats import pictures

NO_VIEWS = "masks are not used of images; cut the object out with transparency instead"
_WORD = re.compile(r"(?<![a-z])masks?(?![a-z])", re.I)
_AROUND = re.compile(r"^[-_. ()]+|[-_. ()]+$")


class Masks(NamedTuple):
    """pairs: photograph → its mask; unclear: mask → the photographs, in several folders, that it
    may be of, and is used of none of them."""

    pairs: dict[str, str]
    unclear: dict[str, list[str]]

    @property
    def aside(self) -> set[str]:
        """The pictures that are masks, and no photographs."""
        return {*self.pairs.values(), *self.unclear}


def of(names: Iterable[str]) -> Masks:
    """Which of the pictures NAMES are masks, and whose. Of several masks of one name the one in the
    photograph's folder, or in one like it, counts. A picture called a mask that goes with none is a
    photograph (of a mask, perhaps)."""
    called, photos = dict[str, list[str]](), list[str]()
    for name in sorted(names):
        if _is_called(name):
            called.setdefault(_bare(_WORD.sub("", PurePosixPath(name).name)), []).append(name)
        else:
            photos.append(name)
    found = {
        name: mask
        for name in photos
        if (bare := _bare(PurePosixPath(name).name))
        and (mask := _nearest(_folders(name), called.get(bare, [])))
    }
    nearest: dict[str, int] = {}
    for name, mask in found.items():
        nearest[mask] = max(nearest.get(mask, 0), _shared(_folders(name), _folders(mask)))
    kept = {
        name: mask
        for name, mask in found.items()
        if _shared(_folders(name), _folders(mask)) == nearest[mask]
    }
    homes: dict[str, set[tuple[str, ...]]] = {}
    for name, mask in kept.items():
        homes.setdefault(mask, set()).add(_folders(name))
    # pictures of one name in several folders are several: whose such a mask is, nobody can tell
    unclear: dict[str, list[str]] = {}
    for name, mask in kept.items():
        if len(homes[mask]) > 1:
            unclear.setdefault(mask, []).append(name)
    return Masks({name: mask for name, mask in kept.items() if mask not in unclear}, unclear)


def pairs(names: Iterable[str]) -> dict[str, str]:
    """Photograph → its mask, of the pictures NAMES."""
    return of(names).pairs


def _nearest(folders: tuple[str, ...], masks: list[str]) -> str | None:
    """The one of MASKS whose folders end most like FOLDERS; None where several do."""
    ranked = sorted(masks, key=lambda mask: _rank(folders, mask), reverse=True)
    if len(ranked) > 1 and _rank(folders, ranked[0]) == _rank(folders, ranked[1]):
        return None
    return ranked[0] if ranked else None


def _rank(folders: tuple[str, ...], mask: str) -> tuple[int, int]:
    return _shared(folders, _folders(mask)), -len(_folders(mask))


def _shared(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How many folders, from the innermost, are the same."""
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count


def _folders(name: str) -> tuple[str, ...]:
    """The folders that a picture lies in, but for those that are called masks."""
    parts = PurePosixPath(_plain(name)).parent.parts
    return tuple(part for part in parts if not _WORD.fullmatch(part))


def _is_called(name: str) -> bool:
    path = PurePosixPath(name)
    return _WORD.search(path.name) is not None or any(map(_WORD.fullmatch, path.parent.parts))


def _bare(name: str) -> str:
    """Without the endings of pictures, and without signs around; letters and their accents in one,
    which macOS takes apart."""
    bare = _AROUND.sub("", name)
    while PurePosixPath(bare).suffix.lower() in pictures.BY_SUFFIX:
        bare = _AROUND.sub("", bare[: -len(PurePosixPath(bare).suffix)])
    return _plain(bare)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
