"""Material libraries of OBJ: the base colour and its picture, wherever the person packed it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

from pipeline.geometry.readers.companions import Companions, text_of
from pipeline.geometry.readers.declared import Ledger
from pipeline.geometry.readers.parts import Material
from pipeline.geometry.readers.pictures import opened
from pipeline.geometry.readers.textlines import plain

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# Options that may stand before the name of a picture, with the arguments they take.
_OPTIONS = re.compile(
    rb"-(?:(?P<place>[ost])(?P<numbers>(?:[ ]+"
    + _NUMBER
    + rb"(?=[ ])){1,3})|mm(?:[ ]+"
    + _NUMBER
    + rb"){1,2}"
    rb"|(?:bm|boost|texres)[ ]+\S+|(?P<clamp>clamp)[ ]+(?P<on>\S+)"
    rb"|(?:blendu|blendv|cc|imfchan|type|colorspace)[ ]+\S+)[ ]+",
    re.I,
)
OTHER_MAPS = re.compile(rb"(?:map_(?!kd\b)\w+|bump|norm|disp|decal|refl)[ ]", re.I)


class Look(NamedTuple):
    """A material, and how its picture is laid onto the uv: uv * scale + offset."""

    material: Material
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


def read(data: bytes, beside: Companions, ledger: Ledger) -> dict[bytes, Look]:
    """The materials of one library by name."""
    found: dict[bytes, Look] = {}
    name: bytes | None = None
    for line in plain(data).split(b"\n"):
        key, _, rest = line.partition(b" ")
        key, rest = key.lower(), rest.strip()
        if key == b"newmtl":
            name = rest
            found[name] = Look(Material(text_of(name)))
        elif name is not None and key == b"kd":
            found[name] = found[name]._replace(
                material=replace(found[name].material, color=_color(rest))
            )
        elif name is not None and key == b"map_kd":
            found[name] = _pictured(found[name], rest, beside, ledger)
        elif (key == b"d" and _below_one(rest)) or (key == b"tr" and _above_zero(rest)):
            ledger.declare("transparency")
        elif OTHER_MAPS.match(line):
            ledger.declare("maps")
    return {one: _lit(look, ledger) for one, look in found.items()}


def _lit(look: Look, ledger: Ledger) -> Look:
    """A picture under Kd 0 0 0 would be black: programs that write so mean the picture alone."""
    if look.material.image is None or look.material.color != (0.0, 0.0, 0.0):
        return look
    ledger.note(
        f"material {look.material.name} multiplies its picture by black; the picture was taken as"
        " it is"
    )
    return look._replace(material=replace(look.material, color=None))


def _pictured(look: Look, rest: bytes, beside: Companions, ledger: Ledger) -> Look:
    scale, offset, clamp = (1.0, 1.0), (0.0, 0.0), False
    while option := _OPTIONS.match(rest):
        rest = rest[option.end() :]
        clamp |= (option["on"] or b"").lower() == b"on"
        values = [float(word) for word in (option["numbers"] or b"").split()]
        if (option["place"] or b"").lower() == b"s":
            scale = (values[0], values[1] if len(values) > 1 else 1.0)
        elif (option["place"] or b"").lower() == b"o":
            offset = (values[0], values[1] if len(values) > 1 else 0.0)
    image: Any = opened(rest, beside, ledger)
    return Look(replace(look.material, image=image, repeats=(not clamp, not clamp)), scale, offset)


def _color(rest: bytes) -> tuple[float, float, float] | None:
    words = rest.split()
    try:
        values = [min(max(float(word), 0.0), 1.0) for word in words[:3]]
    except ValueError:
        return None
    return (
        (values[0], values[1], values[2])
        if len(values) == 3
        else (values[0],) * 3
        if values
        else None
    )


def _below_one(rest: bytes) -> bool:
    return bool(re.fullmatch(rb"(?:-halo )?0?\.?\d*", rest)) and _value(rest) < 1.0


def _above_zero(rest: bytes) -> bool:
    return 0.0 < _value(rest) < 1.0


def _value(rest: bytes) -> float:
    try:
        return float(rest.split()[-1])
    except (ValueError, IndexError):
        return 1.0
