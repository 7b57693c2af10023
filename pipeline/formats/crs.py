"""Coordinate systems as LAS and GeoTIFF name them: in which unit are x, y and z? Standard library
only; no table of systems is needed but for old US state planes, which name their unit only by their
number.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

METRES = {
    1.0: "m",
    0.3048: "ft",
    1200 / 3937: "us-ft",
    0.01: "cm",
    0.001: "mm",
    0.0254: "inch",
    1000.0: "km",
}
# EPSG's numbers of units of length, in metres; besides the usual ones the feet, yards and chains of
# British surveys
_GEO_UNITS = {
    9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937, 9005: 0.3047972654, 9014: 1.8288, 9030: 1852.0,
    9031: 1.0000135965, 9036: 1000.0, 9037: 0.9143917962, 9041: 0.3047994715387, 9093: 1609.344,
    9095: 0.3048007491, 9096: 0.9144, 9097: 20.1168, 9098: 0.201168,
}  # fmt: skip
_ANGULAR = re.compile(r"\b(?:EPSG|SRID)\W{0,3}(?:4326|4979|4258|4937|4269|4267)\b", re.I)
_STATE_PLANES = range(2222, 2290)  # EPSG: NAD83 in feet; these in international ones
_INTERNATIONAL = frozenset(
    {2222, 2223, 2224, 2251, 2252, 2253, 2256, 2265, 2266, 2269, 2270, 2273, 2280, 2281, 2282}
)
_PROJECTED = ("PROJCS", "PROJCRS", "PROJECTEDCRS", "LOCAL_CS", "ENGCRS", "ENGINEERINGCRS", "GEOCCS")
_GEOGRAPHIC = ("GEOGCS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS")
_VERTICAL = ("VERT_CS", "VERTCRS", "VERTICALCRS")
_UNIT = ("UNIT", "LENGTHUNIT")


class Lengths(NamedTuple):
    """Metres per unit of x and y, and of z; None where the system does not say. degrees: its x and
    y are angles. code: EPSG's number of a unit that is not known here, 0 for none."""

    flat: float | None = None
    height: float | None = None
    degrees: bool = False
    name: str = ""
    code: int = 0


def unit_of(metres: float) -> str | None:
    """The unit that is METRES long, by name: m, ft, us-ft …"""
    return next((name for size, name in METRES.items() if abs(size - metres) < 1e-7 * size), None)


def in_degrees(text: str) -> bool:
    """Whether TEXT, words above a table, names a system of longitude and latitude by its number."""
    return _ANGULAR.search(text) is not None


@dataclass
class _Node:
    word: str
    values: list[str] = field(default_factory=list)
    inside: list[_Node] = field(default_factory=list)

    def all(self) -> Iterator[_Node]:
        yield self
        for one in self.inside:
            yield from one.all()


def of_wkt(text: str) -> Lengths:
    """Units of a well-known text, old or new form."""
    root = _parse(text)
    if root is None:
        return Lengths()
    nodes = list(root.all())
    flat = next((node for node in nodes if node.word in _PROJECTED), None)
    height = next((node for node in nodes if node.word in _VERTICAL), None)
    name = root.values[0] if root.values else ""
    if flat is None and any(node.word in _GEOGRAPHIC for node in nodes):
        return Lengths(None, _length(height), True, name)
    return Lengths(_length(flat), _length(height), False, name)


def _length(node: _Node | None) -> float | None:
    """Metres of the unit of a system: its own, else that of its axes; units deeper down belong to
    others."""
    if node is None:
        return None
    own = [one for one in node.inside if one.word in _UNIT]
    own += [
        one
        for axis in node.inside
        if axis.word == "AXIS"
        for one in axis.inside
        if one.word in _UNIT
    ]
    try:
        return float(own[0].values[1]) if own else None
    except (IndexError, ValueError):
        return None


_TOKEN = re.compile(
    r'\s*(?:"((?:[^"]|"")*)"|([A-Za-z_][\w]*)|([-+]?[\d.]+(?:[eE][-+]?\d+)?)|([\[\](),]))'
)


def _parse(text: str) -> _Node | None:
    stack = [_Node("")]
    word = ""
    for quoted, name, number, sign in _TOKEN.findall(text):
        if sign in ("[", "("):
            node = _Node(word.upper())
            stack[-1].inside.append(node)
            stack.append(node)
            word = ""
        elif sign in ("]", ")") and len(stack) > 1:
            stack.pop()
        elif not sign:
            word = name
            if quoted or number:
                stack[-1].values.append(quoted or number)
    return stack[0].inside[0] if stack[0].inside else None


def of_geokeys(directory: bytes, doubles: bytes = b"") -> Lengths:
    """Units of a GeoTIFF key directory (16-bit words) and its doubles."""
    words = struct.unpack(f"<{len(directory) // 2}H", directory[: len(directory) // 2 * 2])
    rows = (
        {
            words[at]: words[at + 1 : at + 4]
            for at in range(4, min(4 + 4 * words[3], len(words) - 3), 4)
        }
        if len(words) >= 4
        else {}
    )

    def value(key: int) -> int | None:
        return rows[key][2] if key in rows and rows[key][0] == 0 else None

    def size(unit: int, own: int) -> float | None:
        known = _GEO_UNITS.get(value(unit) or 0)
        if known is None and own in rows and 8 * rows[own][2] + 8 <= len(doubles):
            return float(struct.unpack_from("<d", doubles, 8 * rows[own][2])[0])
        return known

    system = value(3072) or 0
    flat = size(3076, 3077)
    if flat is None and system in _STATE_PLANES:
        flat = 0.3048 if system in _INTERNATIONAL else 1200 / 3937
    named = f"EPSG:{system}" if 0 < system < 32767 else ""
    unknown = 0 if flat is not None else value(3076) or 0
    return Lengths(flat, size(4099, 4098), value(1024) == 2, named, unknown)
