"""Photographs beside scan passes or a mesh: those are what the job is made of, and the photographs
could be a job of their own."""

from __future__ import annotations

from collections.abc import Collection

from pipeline.drops.guess import FEWEST_PHOTOS
from pipeline.drops.item import IMAGE, Item, of


def photos_aside(kind: str, used: Collection[str], found: list[Item]) -> list[str]:
    """What to say of pictures in FOUND where a job of KIND is made of what is USED (names): of a
    mesh whose textures they may be, those that a camera took."""
    if kind not in ("scan", "convert") or all(item.what == IMAGE for item in found):
        return []
    pictures = of(found, IMAGE)
    idle = [
        item for item in pictures if item.name not in used or (kind == "convert" and item.camera)
    ]
    if len(idle) < FEWEST_PHOTOS or (kind == "scan" and len(idle) < len(pictures)):
        return []
    beside = "a mesh" if kind == "convert" else "scan passes"
    return [
        f"{len(idle)} pictures beside {beside} are not used as photos of a scan; dropped in a"
        " folder of their own they would be"
    ]
