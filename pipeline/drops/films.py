"""Films beside photographs: they are not read, and their frames would be photographs as well."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.drops.item import Item
from pipeline.formats import pictures, signatures
from pipeline.formats.account import listed

FRAMES = "sharp frames of it, saved as pictures, each from a step beside the last"


def beside(photos: Iterable[Item], found: Iterable[Item]) -> list[str]:
    """What to say of the films in FOUND, where PHOTOS of it are used: words about those that are
    shot by themselves, and about the moments that phones keep with a photo of the same name."""
    stems = {one.stem.lower() for one in photos}
    films = [one for one in found if signatures.suffix(one.name) in pictures.FILMS]
    alone = [one.name for one in films if one.stem.lower() not in stems]
    moments = [one.name for one in films if one.stem.lower() in stems]
    said = []
    if alone:
        said.append(
            f"{listed(alone)}: films are not used; {FRAMES}, would help if they are dropped with"
            " the photos"
        )
    if moments:
        said.append(f"{listed(moments)}: films that go with photos of the same name, not used")
    return said
