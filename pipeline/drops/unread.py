"""Films and raw files beside photographs: they are not read, and what is in them would be
photographs as well."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.drops.item import Item
from pipeline.formats import pictures, signatures
from pipeline.formats.account import listed

# suffixes; what to say of those that stand for themselves, and of those beside a photo of their
# name
UNREAD = (
    (
        pictures.FILMS,
        "films are not used; sharp frames of it, saved as pictures, each from a step beside the"
        " last, would help if they are dropped with the photos",
        "films that go with photos of the same name, not used",
    ),
    (
        pictures.RAW,
        "a camera's raw files are not read, and no photo of the same name is there; saved as JPEG"
        " or TIFF and dropped with the photos they would be used",
        "raw files of photos of the same name, not used",
    ),
)


def beside(photos: Iterable[Item], found: Iterable[Item]) -> list[str]:
    """What to say of the films and raw files in FOUND, where PHOTOS of it are used: words about
    those that stand for themselves, and about those that cameras keep with a photo of the same
    name."""
    stems, found = {one.stem.lower() for one in photos}, list(found)
    said = []
    for suffixes, by_themselves, beside_photos in UNREAD:
        alone, together = _parted(found, suffixes, stems)
        said += [f"{listed(alone)}: {by_themselves}"] if alone else []
        said += [f"{listed(together)}: {beside_photos}"] if together else []
    return said


def _parted(
    found: Iterable[Item], suffixes: tuple[str, ...], stems: set[str]
) -> tuple[list[str], list[str]]:
    """Names of what ends in SUFFIXES: those of which no photo has the stem, and the others."""
    those = [one for one in found if signatures.suffix(one.name) in suffixes]
    alone = [one.name for one in those if one.stem.lower() not in stems]
    return alone, [one.name for one in those if one.name not in alone]
