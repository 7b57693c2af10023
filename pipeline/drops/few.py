"""Tables of a few rows beside photographs: a camera's matrix, dimensions, the places of a receiver.

They look like points, and none of them can be a pass of a scan: that would be all that the drop is
read for, and refused, where the photographs are what was meant."""

from __future__ import annotations

from pipeline.drops.guess import FEWEST_PHOTOS
from pipeline.drops.item import IMAGE, OTHER, POINTS, Item, of
from pipeline.formats.account import listed
from pipeline.formats.tables import FEWEST_POINTS


def without_few(found: list[Item]) -> tuple[list[Item], list[str]]:
    """(FOUND, with such tables as no points where they are the only ones; notes that say which)."""
    points = of(found, POINTS)
    if not points or not all(item.few for item in points) or len(of(found, IMAGE)) < FEWEST_PHOTOS:
        return found, []
    note = (
        f"{listed([item.name for item in points])}: a table of fewer than {FEWEST_POINTS} rows"
        " beside pictures, and no pass of a scan"
    )
    return [item._replace(what=OTHER) if item.few else item for item in found], [note]
