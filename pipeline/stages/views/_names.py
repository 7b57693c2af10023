"""Which side of the object a picture shows, by its file's name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

SIDES = {"front": 0.0, "left": 90.0, "back": 180.0, "right": 270.0}


def azimuth_of(name: str) -> float | None:
    """Degrees of a name like front.png or 045.jpg; None where the name does not say."""
    stem = PurePosixPath(name).stem.lower()
    if stem in SIDES:
        return SIDES[stem]
    return float(stem) if re.fullmatch(r"\d{3}", stem) and int(stem) < 360 else None


def azimuths(names: Sequence[str]) -> tuple[dict[str, float], str | None]:
    """Name → azimuth for the pictures that can be used, and a warning where that took a guess.

    A single picture is the front. Three or more without names of sides are taken as evenly spaced, in the order they come.
    """
    named = {name: azimuth for name in names if (azimuth := azimuth_of(name)) is not None}
    if len(named) == len(names) and len(set(named.values())) == len(names):
        return named, None
    if len(names) == 1:
        return {names[0]: 0.0}, None
    if named:
        chosen = {azimuth: name for name, azimuth in reversed(named.items())}
        left = [name for name in names if name not in chosen.values()]
        return {
            name: azimuth for azimuth, name in sorted(chosen.items())
        }, f"Not used, because the name says no side of its own: {', '.join(left)}."
    if len(names) == 2:
        return {names[0]: 0.0}, f"Two pictures without names of sides: {names[0]} is taken as the front, {names[1]} is not used."
    guess = "The pictures' names say no sides: they are taken as evenly spaced around the object, in the order of their names."
    return {name: 360.0 * k / len(names) for k, name in enumerate(names)}, guess
