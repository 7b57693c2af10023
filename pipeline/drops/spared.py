"""Broken pictures among photographs: the others make the model, and these are left out by name."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.drops.entries import DropEntry, Listing
from pipeline.drops.evidence import content
from pipeline.drops.guess import FEWEST_PHOTOS
from pipeline.drops.items import Known
from pipeline.drops.kind import identify
from pipeline.errors import InputRejected
from pipeline.formats import pictures


def may_be(look: Listing, found: DropEntry) -> bool:
    """Whether FOUND is named like a picture, and enough others are: what the drop is decides."""
    others = (one for one in content(look) if one.path != found.path)
    return pictures.is_named(found.name) and (
        sum(pictures.is_named(one.name) for one in others) >= FEWEST_PHOTOS
    )


def are(look: Listing, broken: Collection[str], known: Known) -> bool:
    """Whether LOOK is a drop of photographs of which enough are there without the BROKEN (paths),
    all of them pictures."""
    if look.is_job or not look.is_folder or not all(map(pictures.is_named, broken)):
        return False
    whole = [found.path for found in look.files if found.path not in broken]
    try:
        return identify(look.path, whole, known=known).of_photos
    except InputRejected:
        return False
