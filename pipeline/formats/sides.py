"""Which side of the object pictures show, by their names: words, degrees, or steps around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from pipeline.formats import degrees
from pipeline.formats.side_words import MAPS, SIDES, VIEW, of_a_set, words_of

AZIMUTHS = {"front": 0.0, "left": 90.0, "back": 180.0, "right": 270.0}
NOTHING = "its name says no side"


class Seen(NamedTuple):
    """Name → degrees, in the order of azimuths; what is not used → why; a sentence where it took a
    guess."""

    azimuths: dict[str, float]
    unused: dict[str, str]
    guess: str | None = None
    elevations: Mapping[str, float] = MappingProxyType({})  # where a name says one


def seen(names: Sequence[str]) -> Seen:
    """What NAMES say. A lone picture that says nothing is the front; three or more are taken as
    evenly spaced in their order, which is a guess; of two nothing is guessed. Of pictures that say
    the same side the first is used."""
    if len(names) == 1:
        return _lone(names[0])
    words = _distinct(of_a_set(names))
    read = {name: _side(words[name]) for name in names}
    silent = [name for name in names if read[name] == NOTHING]
    read |= degrees.of_a_set({name: words[name] for name in silent}, len(silent) < len(names))
    silent = [name for name in names if read[name] == NOTHING]
    if silent and len(silent) == len(names):
        return _silent(silent, words)
    used: dict[float, str] = {}
    unused = {}
    # of front and front_detail the one that says no more
    for name, said in sorted(read.items(), key=lambda one: len(words[one[0]])):
        first = name if isinstance(said, str) else used.setdefault(said, name)
        if isinstance(said, str):
            unused[name] = said
        elif first != name:
            unused[name] = f"{first} shows the same side by its name"
    azimuths = {name: azimuth for azimuth, name in sorted(used.items())}
    elevations = {
        name: found for name in azimuths if (found := degrees.elevation(words[name])) is not None
    }
    return Seen(azimuths, unused, None, elevations)


def all_say(names: Sequence[str]) -> bool:
    """Whether every one of NAMES says a side."""
    words = _distinct(of_a_set(names))
    read = {name: _side(own) for name, own in words.items()}
    silent = {name: words[name] for name in names if read[name] == NOTHING}
    return silent.keys() == degrees.of_a_set(silent, len(silent) < len(names)).keys()


def azimuth_of(name: str) -> float | None:
    """What NAME says on its own, None where it says nothing sure; a bare multiple of 15 is
    degrees."""
    words = words_of(name)
    said = _side(words)
    if (
        said == NOTHING
        and len(words) == 1
        and words[0].isdecimal()
        and int(words[0]) in range(0, 361, degrees.STEP)
    ):
        return float(int(words[0]) % 360)
    return None if isinstance(said, str) else said


def _lone(name: str) -> Seen:
    words = words_of(name)
    said = {name: _side(words)} | degrees.of_a_set({name: words}, False)
    elevation = degrees.elevation(words)
    azimuth = said[name]
    return Seen(
        {name: 0.0 if isinstance(azimuth, str) else azimuth},
        {},
        None,
        {} if elevation is None else {name: elevation},
    )


def _distinct(words: dict[str, list[str]]) -> dict[str, list[str]]:
    """Without top, bottom or mask where every name has them: those belong to what the object is
    called (table_top_front)."""
    common = (
        {
            word
            for word in set.intersection(*map(set, words.values()))
            if SIDES.get(word) in ("top", "bottom") or word in MAPS
        }
        if len(words) > 1
        else set()
    )
    return {name: [word for word in own if word not in common] for name, own in words.items()}


def _silent(names: list[str], words: degrees.Words) -> Seen:
    if len(names) < 3:
        return Seen({}, dict.fromkeys(names, NOTHING))
    guess = (
        "The pictures' names say no sides: they are taken as evenly spaced around the object, in"
        " the order of their names."
    )
    last = [[word for word in words[name] if word.isdecimal()][-1:] for name in names]
    numbers = sorted(int(number) for found in last for number in found)
    missing = (
        sorted({*range(numbers[0], numbers[-1])} - {*numbers})
        if numbers and numbers[-1] - numbers[0] < 2 * len(names)
        else []
    )
    if missing and len(set(numbers)) == len(names):
        guess += (
            f" Their numbers leave out {', '.join(map(str, missing[:5]))}: if those pictures are"
            " missing, the sides are wrong."
        )
    return Seen({name: 360.0 * k / len(names) for k, name in enumerate(names)}, {}, guess)


def _side(words: list[str]) -> float | str:
    """The azimuth that WORDS say, or why they say none."""
    said = degrees.said(words)
    if said is not None:
        return said
    groups = _groups(words)
    if groups and (shown := next((word for word in words if word in MAPS), None)):
        return f"its name says {shown}, which is no picture of the object"
    if groups and _three_quarters(words):
        turned = [side for side in groups[-1] if side in ("left", "right")]
        if not turned:
            return "its name says three quarters and not from which side"
        return 45.0 if turned[-1] == "left" else 315.0
    if not groups:
        which = next(
            (word for word in words if word in ("side", "seite", "profile", "profil")), None
        )
        return f"its name says {which} and not which one, left or right" if which else NOTHING
    around = list(dict.fromkeys(groups[-1]))  # the last, as in left_shoe_front
    if beyond := next((side for side in around if side not in AZIMUTHS), None):
        return f"it shows the object from the {beyond}, and only views from around it are used"
    if len(around) > 2 or set(around) in ({"front", "back"}, {"left", "right"}):
        return f"its name says {' and '.join(around)} at once"
    angles = [AZIMUTHS[side] for side in around]
    return 315.0 if set(angles) == {0.0, 270.0} else sum(angles) / len(angles)


def _three_quarters(words: list[str]) -> bool:
    return any(pair in (("3", "4"), ("three", "quarter")) for pair in pairwise(words))


def _groups(words: list[str]) -> list[list[str]]:
    """Sides that stand together, as in front_left or left side view from front; numbers and other
    words part them."""
    groups: list[list[str]] = []
    together = False
    for word in words:
        if word in SIDES:
            groups = groups if together else [*groups, []]
            groups[-1].append(SIDES[word])
        together = word in SIDES or (together and word in VIEW)
    return groups
