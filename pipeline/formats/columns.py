"""What the columns of a table of points are called, by every program that we know of: roles and
units from the words above them."""

from __future__ import annotations

import re
from typing import NamedTuple

UNITS = {
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters", "millimetres"), "mm"),
    **dict.fromkeys(("cm", "centimeter", "centimetre", "centimeters", "centimetres"), "cm"),
    **dict.fromkeys(("m", "meter", "metre", "meters", "metres", "mtr"), "m"),
    **dict.fromkeys(("in", "inch", "inches", "zoll"), "inch"),
    **dict.fromkeys(
        ("ft", "foot", "feet", "ift", "intft", "internationalfeet", "internationalfoot"), "ft"
    ),
    **dict.fromkeys(
        (
            "usft",
            "ftus",
            "ussurveyfoot",
            "ussurveyfeet",
            "surveyfoot",
            "surveyfeet",
            "usfoot",
            "usfeet",
            "ussft",
            "sft",
        ),
        "us-ft",
    ),
}

_AXIS = (
    "{0} {0}coord {0}coordinate {0}coords coord{0} coordinate{0} pos{0} position{0} {0}pos"
    " {0}position point{0} p{0} cartesian{0}"
)
_COLOUR = "{1} {0} {1}f {1}d color{1} colour{1} color{0} colour{0} diffuse{0} scan{0}"
_NORMAL = "n{0} normal{0} normals{0} {0}normal norm{0}"
_WORDS = {
    "x": (
        f"{_AXIS.format('x')} points0 xyz0 easting east eastings rechtswert rechts ostwert este"
        " ecoord ecoordinate"
    ),
    "y": (
        f"{_AXIS.format('y')} points1 xyz1 northing north northings hochwert hoch nordwert norte"
        " nord ncoord ncoordinate"
    ),
    "z": (
        f"{_AXIS.format('z')} points2 xyz2 elevation elev elevations height altitude alt hoehe höhe"
        " hohe cota quota level up"
    ),
    "red": f"{_COLOUR.format('red', 'r')} rgb0 rot rouge rojo",
    "green": f"{_COLOUR.format('green', 'g')} rgb1 grün gruen vert verde",
    "blue": f"{_COLOUR.format('blue', 'b')} rgb2 blau bleu azul",
    "alpha": "a alpha colora coloura coloralpha colouralpha",
    "nx": f"{_NORMAL.format('x')} normals0 normal0",
    "ny": f"{_NORMAL.format('y')} normals1 normal1",
    "nz": f"{_NORMAL.format('z')} normals2 normal2",
    "intensity": (
        "intensity i reflectance reflectivity refl intensität intensitaet amplitude intensidad"
    ),
}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_SHORT = {
    "e": "x",
    "n": "y",
    "h": "z",
    "u": "z",
}  # mean something only where both e and n are there
# X(North) counts northwards, whatever its letter
_COMPASS = {word: _ROLES[word] for word in ("north", "northing", "nord", "hochwert", "norte")} | {
    word: _ROLES[word] for word in ("east", "easting", "rechtswert", "este", "ostwert")
}
_DEGREES = frozenset(
    ["lat", "latitude", "lon", "long", "lng", "longitude", "breite", "länge", "laenge"]
)
_POLAR = frozenset(
    ["azimuth", "azimut", "azi", "hz", "horizontalangle", "verticalangle", "zenith", "theta", "phi"]
)
_BRACKETS = re.compile(r"[\(\[\{<]([^)\]}>]*)[\)\]}>]")


class Named(NamedTuple):
    """roles: one per column, None where its word means nothing to us; units of the columns; words:
    as they stand."""

    roles: tuple[str | None, ...]
    units: tuple[str | None, ...]
    words: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        return {"x", "y", "z"} <= set(self.roles)

    def strange(self) -> str | None:
        """Why these columns are no x, y, z, in words; None where they are, or where nothing speaks
        of points."""
        plain = {_plain(_BRACKETS.sub("", word)) for word in self.words}
        if self.is_complete:
            return None
        if len(plain & _DEGREES) >= 2:
            return "its places are longitude and latitude in degrees, which are no lengths"
        if plain & _POLAR:
            return "its places are angles and ranges (polar), which are not read from text"
        # one short word is as likely one of a sentence
        sure = sum(role is not None for role in self.roles) > 1 or any(
            role and len(_plain(word)) > 2
            for role, word in zip(self.roles, self.words, strict=False)
        )
        return "its columns are called " + ", ".join(self.words[:12]) if sure else None


def named(words: list[str]) -> Named:
    """Roles and units of columns that are called WORDS."""
    rows = [_one(word) for word in words]
    plain = [_plain(_BRACKETS.sub("", word)) for word in words]
    if {"e", "n"} <= set(plain) or {"x", "y"} <= {role for role, _ in rows}:
        rows = [
            (role or _SHORT.get(name), unit) for name, (role, unit) in zip(plain, rows, strict=True)
        ]
    first: set[str] = set()
    roles: list[str | None] = []
    for role, _ in rows:
        roles.append(None if role in first else role)
        first |= {role} if role else set()
    return Named(
        tuple(roles), tuple(unit for _, unit in rows), tuple(word.strip("\"' ") for word in words)
    )


def unit(word: str) -> str | None:
    """The unit that WORD spells: mm, cm, m, inch, ft, us-ft."""
    return UNITS.get(_plain(word)) if word else None


def split(line: str, cells: list[str]) -> list[str]:
    """CELLS of a line of names, "(m)" joined to the name before it."""
    joined: list[str] = []
    for word in cells:
        if joined and _BRACKETS.fullmatch(word):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def _one(word: str) -> tuple[str | None, str | None]:
    found = _BRACKETS.search(word)
    measure = unit(found[1]) if found else None
    if re.match(r"[\s\"']*[-−]\s*[a-z]", word, re.I):
        return None, measure  # -z points down
    bare = _BRACKETS.sub(" ", word)
    name = _plain(bare)
    if name in _ROLES:
        return (_COMPASS.get(_plain(found[1])) if found else None) or _ROLES[name], measure
    head, _, tail = (
        re.sub(r"[\s_.\-/]+(in[\s_]+)?", " ", bare.strip("\"' #")).strip().rpartition(" ")
    )
    if head and unit(tail) and _ROLES.get(_plain(head)) in ("x", "y", "z"):
        return _ROLES[_plain(head)], unit(tail)
    return None, measure


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word.lower())
