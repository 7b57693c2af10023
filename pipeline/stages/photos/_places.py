"""A list of places beside photographs: where each was taken, in metres."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pipeline.formats.refusals import Source
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.photos._markers import Told

FEWEST = 3  # photographs whose place is told
APART = 0.03  # share of their spread by which told places may be off


def read(sources: Sequence[Source]) -> tuple[str, dict[str, Array]]:
    """Name of the list and places (3,) by photograph (its name without folders and ending); the
    first of SOURCES that holds any.

    ``transforms.json`` of nerfstudio (frames with file_path and transform_matrix), or rows of text:
    a name, x, y, z and whatever else.
    """
    for source in sources:
        if places := _read(source.path):
            return source.name, places
    return "", {}


def _read(path: Path) -> dict[str, Array]:
    text = path.read_text("utf-8", errors="replace")
    try:
        if path.suffix.lower() == ".json" or text.lstrip().startswith("{"):
            frames = json.loads(text)["frames"]
            return {
                _stem(one["file_path"]): np.asarray(one["transform_matrix"], float)[:3, 3]
                for one in frames
            }
    except (ValueError, KeyError, TypeError, IndexError):
        return {}
    rows = [re.split(r"[\s,;]+", line.strip()) for line in text.splitlines()]
    return {_stem(row[0]): place for row in rows if (place := _numbers(row[1:4])) is not None}


def _numbers(words: Sequence[str]) -> Array | None:
    try:
        place = np.array([float(word) for word in words])
    except ValueError:
        return None
    return place if len(place) == 3 and np.isfinite(place).all() else None


def _stem(name: Any) -> str:
    return PurePosixPath(str(name)).stem.lower()


def size(name: str, places: dict[str, Array], centres: dict[str, Array]) -> Told:
    """What the list tells of the size: how far the CENTRES found, by photograph, are apart."""
    pairs = [
        (centre, places[_stem(one)]) for one, centre in centres.items() if _stem(one) in places
    ]
    if len(pairs) < FEWEST:
        return Told(None, f"{name} tells the places of {len(pairs)} photographs; it takes {FEWEST}")
    found, told = (np.array(part) for part in zip(*pairs, strict=True))
    scale, off = _fitted(found, told)
    spread = float(np.median(np.linalg.norm(told - told[off <= np.median(off)].mean(0), axis=1)))
    share = float(np.median(off)) / max(spread, 1e-12)
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
