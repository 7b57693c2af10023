"""A list of places beside photographs: where each was taken, in metres."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.formats.refusals import Source
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.photos import _beside as beside
from pipeline.stages.photos._markers import Told

FEWEST = 3  # photographs whose place is told
SAME = 1e-9  # share of their distance from the origin: places no farther apart are one
FARTHEST = 1e12  # metres from the list's origin
APART = 0.03  # share of their spread by which told places may be off


def read(sources: Sequence[Source]) -> tuple[str, dict[str, Array]]:
    """Name of the list and places (3,) by photograph (its name without ending, as the list has
    it); the first of SOURCES that holds any.

    ``transforms.json`` of nerfstudio (frames with file_path and transform_matrix), or rows of text:
    a name, x, y, z and whatever else.
    """
    for source in sources:
        if places := _read(source.path):
            return source.name, places
    return "", {}


def _read(path: Path) -> dict[str, Array]:
    text = beside.text(path)
    try:
        if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
            frames = json.loads(text)["frames"]
            told = {
                beside.key(one["file_path"]): _numbers(
                    [row[3] for row in one["transform_matrix"][:3]]
                )
                for one in frames
            }
            return {name: place for name, place in told.items() if place is not None}
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return {}
    rows = [re.split(r"[\s,;]+", line.strip()) for line in text.splitlines()]
    return {beside.key(row[0]): place for row in rows if (place := _numbers(row[1:4])) is not None}


def _numbers(words: Sequence[Any]) -> Array | None:
    try:
        place = np.array([float(word) for word in words])
    except ValueError:
        return None
    # beyond the Earth's orbit nothing is a place, and squares overflow
    return place if len(place) == 3 and (np.abs(place) < FARTHEST).all() else None


def size(name: str, places: dict[str, Array], centres: dict[str, Array]) -> Told:
    """What the list tells of the size: how far the CENTRES found, by photograph, are apart."""
    called = beside.photographs(places, centres)
    pairs = [(centres[photo], places[asked]) for asked, photo in called.items()]
    if len(pairs) < FEWEST:
        return Told(None, f"{name} tells the places of {len(pairs)} photographs; it takes {FEWEST}")
    found, told = (np.array(part) for part in zip(*pairs, strict=True))
    scale, off = _fitted(found, told)
    spread = float(np.median(np.linalg.norm(told - told[off <= np.median(off)].mean(0), axis=1)))
    if spread <= SAME * max(1.0, float(np.abs(told).max())):
        return Told(None, f"{name} is not used: it tells one place for different photographs")
    share = float(np.median(off)) / spread
    if share > APART:
        return Told(
            None,
            f"the places in {name} are not those from which the photographs were taken: half of"
            f" them are off by {share:.0%} of their spread",
        )
    return Told(
        scale, f"the places of {len(pairs)} photographs in {name}, in metres, off by {share:.1%}"
    )


def _fitted(found: Array, told: Array) -> tuple[float, Array]:
    """Scale of FOUND (N,3) onto TOLD, however they are turned and moved, the worst fifth left out;
    and how far each is off."""
    keep = np.ones(len(found), bool)
    for _ in range(5 if len(found) > 4 else 1):  # of fewer, too few would be left
        scale, turn, move = rigid.similarity(found[keep], told[keep])
        off = np.linalg.norm(scale * found @ turn.T + move - told, axis=1)
        keep = off <= np.quantile(off, 0.8) + 1e-12
    return scale, off
