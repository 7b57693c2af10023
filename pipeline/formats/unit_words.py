"""The unit that a program wrote into a comment or a header: "# File units = inches", "comment
units: mm", "UNITS=mm", "coordinates in mm"."""

from __future__ import annotations

import re

_SAID = re.compile(
    rb"(?:\bunits?\b[\"' \t]*(?:[:=([,;][ \t]*|(?:is|are|of)[ \t]+|(?=in[ \t]))"
    rb"|\b(?:coordinates|positions|measurements|dimensions|lengths|values)[ \t]+"
    rb"(?:are[ \t]+)?(?=in[ \t]))"
    rb"(?:in[ \t]+(?=[a-z]))?[\"']?([a-z]+)\b(?![/^])",
    re.I,
)
_UNITS = {
    **dict.fromkeys((b"mm", b"millimeter", b"millimeters", b"millimetre", b"millimetres"), "mm"),
    **dict.fromkeys((b"cm", b"centimeter", b"centimeters", b"centimetre", b"centimetres"), "cm"),
    **dict.fromkeys((b"m", b"meter", b"meters", b"metre", b"metres"), "m"),
    **dict.fromkeys((b"in", b"inch", b"inches"), "inch"),
    **dict.fromkeys((b"ft", b"foot", b"feet"), "ft"),
}


def said(text: bytes) -> str | None:
    """mm, cm, m, inch or ft where TEXT names one unit, and only one; else None."""
    found = {_UNITS[word.lower()] for word in _SAID.findall(text) if word.lower() in _UNITS}
    return found.pop() if len(found) == 1 else None
