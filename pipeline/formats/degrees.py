"""Which numbers in the names of pictures are degrees around the object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

UNITS = frozenset(["deg", "degs", "degree", "degrees", "grad"])
AZIMUTHS = frozenset(["az", "azi", "azim", "azimuth", "yaw", "rot", "rotation", "angle", "winkel"])
ELEVATIONS = frozenset(["el", "ele", "elev", "elevation", "pitch"])
# numbers without a unit are degrees where they are multiples of a step at least that large
STEP = 15
PART = 3.75  # the same of degrees with fractions

Words = Mapping[str, list[str]]  # name → its words and numbers


def said(words: list[str]) -> float | None:
    """The azimuth of a number that says it is degrees: 45deg, azimuth_45."""
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        if _fits(word) and (after in UNITS or before in AZIMUTHS) and before not in ELEVATIONS:
            return float(word) % 360
    return None


def elevation(words: list[str]) -> float | None:
    """How far above the object the camera stood, in degrees, where the name says so: el20."""
    return next(
        (float(after) for word, after in pairwise(words) if word in ELEVATIONS and _fits(after)),
        None,
    )


def of_a_set(names: Words, among_sides: bool) -> dict[str, float]:
    """Name → azimuth, where the numbers in NAMES can be nothing but degrees, as in 0, 90, 180 or
    chair_000, chair_045.

    AMONG_SIDES: other pictures of the set say their sides in words, so these need not go all
    around.
    """
    numbers = {name: [word for word in words if _is_number(word)] for name, words in names.items()}
    numbers = {name: found for name, found in numbers.items() if found} if among_sides else numbers
    if not numbers or not all(numbers.values()):
        return {}
    for place in range(-1, -1 - min(map(len, numbers.values())), -1):
        values = {name: found[place] for name, found in numbers.items()}
        bare = all(set(names[name]) <= {value, "view"} for name, value in values.items())
        if _are_degrees(list(values.values()), bare, among_sides):
            return {name: float(value) % 360 for name, value in values.items()}
    return {}


def _are_degrees(values: list[str], bare: bool, among_sides: bool) -> bool:
    """BARE: the names hold nothing else. Numbers of steps (01, 02 …) and of a camera (IMG_0045) are
    none."""
    if not all(map(_fits, values)) or len(set(values)) < len(values):
        return False
    if not all(map(str.isdecimal, values)):
        return _in_parts(sorted(map(float, values)), among_sides)
    whole = sorted(map(int, values))
    if _whole_ring(whole):
        return True
    if bare and all(len(value) == 3 for value in values):
        step = math.gcd(*whole)
        return (
            360 % max(step, 1) == 0
            and (step >= 5 or whole == [0])
            and (whole[-1] >= 45 or len(whole) == 1 or among_sides)
        )
    if any(value % STEP for value in whole):
        return False
    if len(whole) == 1 or among_sides:
        return bare and whole[-1] > 0 and max(map(len, values)) <= 3
    return whole[0] == 0 and whole[-1] >= 90


def _whole_ring(values: list[int]) -> bool:
    """0, 40, 80 … 320: even steps of five degrees or more that end where they began."""
    step = values[1] - values[0] if len(values) > 2 else 0
    return step >= 5 and values == [*range(0, 360, step)] and 360 % step == 0


def _in_parts(values: list[float], among_sides: bool) -> bool:
    """Degrees with fractions: steps of a circle's 96th part, from 0 on."""
    return not any(value % PART for value in values) and (
        among_sides or (len(values) > 1 and values[0] == 0)
    )


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).isdecimal()


def _fits(word: str) -> bool:
    """Whatever zeros stand before it."""
    return _is_number(word) and float(word) <= 360
