"""Material libraries of OBJ: the base colour and its picture, wherever the person packed it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, NamedTuple

from pipeline.formats.account import Account, listed
from pipeline.geometry.readers.companions import Companions, text_of
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
# colours and pictures that say something where there is no base colour: not 0 0 0
NO_BASE = re.compile(rb"(?:K[ase] .*[1-9]|map_(?:K[ase]|bump)[ ])", re.I)


class Look(NamedTuple):
    """A material, and how its picture is laid onto the uv: uv * scale + offset."""

    material: Material
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


def read(data: bytes, beside: Companions, account: Account) -> dict[bytes, Look]:
    """The materials of one library by name."""
    found: dict[bytes, Look] = {}
    besides: dict[bytes, list[str]] = {}  # what a material has that is no base colour
    before: dict[bytes, Look | None] = {}
    name: bytes | None = None
    for line in plain(data).split(b"\n"):
        key, _, rest = line.strip().partition(b" ")
        key, rest = key.lower(), rest.strip()
        if name is not None and NO_BASE.match(line.strip()):
            besides.setdefault(name, []).append(text_of(line.split()[0]))
        if key == b"newmtl":
            name = rest.partition(b" #")[0].rstrip()
            before[name] = found.get(name, before.get(name))
            found[name] = Look(Material(text_of(name)))
        elif name is not None and key == b"kd":
            color = _color(rest, found[name].material.name, account)
            found[name] = found[name]._replace(material=replace(found[name].material, color=color))
        elif name is not None and key == b"map_kd":
            found[name] = _pictured(found[name], rest, beside, account)
        elif (key == b"d" and _below_one(rest)) or (key == b"tr" and _above_zero(rest)):
            account.declare("transparency")
        elif OTHER_MAPS.match(line.strip()) or (key == b"ke" and re.search(rb"[1-9]", rest)):
            account.declare("maps")
    for one, keys in besides.items():
        if found[one].material.color is None and found[one].material.image is None:
            account.remark(
                f"material {text_of(one)} has no base colour (Kd or map_Kd);"
                f" {listed(list(dict.fromkeys(keys)))} of it did not take its place"
            )
    say_twice({one: look for one, look in before.items() if look is not None}, found, account)
    return {one: _lit(look, account) for one, look in found.items()}


def say_twice(before: dict[bytes, Look], read: dict[bytes, Look], account: Account) -> None:
    """Materials that are there under one name, in two ways."""
    for name in before.keys() & read.keys():
        if before[name] != read[name]:
            account.remark(f"material {text_of(name)} is defined twice; the last one was taken")


def _lit(look: Look, account: Account) -> Look:
    """A picture under Kd 0 0 0 would be black: programs that write so mean the picture alone."""
    if look.material.image is None or look.material.color != (0.0, 0.0, 0.0):
        return look
    account.remark(
        f"material {look.material.name} multiplies its picture by black; the picture was taken as"
        " it is"
    )
    return look._replace(material=replace(look.material, color=None))


def _pictured(look: Look, rest: bytes, beside: Companions, account: Account) -> Look:
    scale, offset, clamp = (1.0, 1.0), (0.0, 0.0), False
    while option := _OPTIONS.match(rest):
        rest = rest[option.end() :]
        clamp |= (option["on"] or b"").lower() == b"on"
        values = [float(word) for word in (option["numbers"] or b"").split()]
        if (option["place"] or b"").lower() == b"s":
            scale = (values[0], values[1] if len(values) > 1 else 1.0)
        elif (option["place"] or b"").lower() == b"o":
            offset = (values[0], values[1] if len(values) > 1 else 0.0)
    if beside.find(rest) is None:
        rest = rest.partition(b" #")[0].rstrip()
    image: Any = opened(rest, beside, account) if rest else None
    return Look(replace(look.material, image=image, repeats=(not clamp, not clamp)), scale, offset)


def _color(rest: bytes, name: str, account: Account) -> tuple[float, float, float] | None:
    """The colour that Kd says as shares, as bytes, or in CIE XYZ; a spectrum is named."""
    words = rest.split(b"#")[0].split()
    try:
        values = [max(float(word), 0.0) for word in words[words[:1] == [b"xyz"] :][:3]]
    except ValueError:
        account.declare("attribute", f"the colour {text_of(rest)[:40]!r} of material {name}")
        return None
    if not values or len(values) == 2:
        return None
    red, green, blue = values * (3 // len(values))
    if words[0] == b"xyz":
        return _of_xyz(red, green, blue)
    if 1.0 < (top := max(values)) <= 255.0 and top >= 2.0:
        account.remark(f"the colour of material {name} was taken as bytes, not as shares")
        return red / 255, green / 255, blue / 255
    return min(red, 1.0), min(green, 1.0), min(blue, 1.0)


def _of_xyz(x: float, y: float, z: float) -> tuple[float, float, float]:
    """sRGB shares of a colour in CIE XYZ, as three.js and Blender take Kd: without a curve."""
    mixed = (
        3.2406 * x - 1.5372 * y - 0.4986 * z,
        -0.9689 * x + 1.8758 * y + 0.0415 * z,
        0.0557 * x - 0.2040 * y + 1.0570 * z,
    )
    red, green, blue = (min(max(value, 0.0), 1.0) for value in mixed)
    return red, green, blue


def _below_one(rest: bytes) -> bool:
    return bool(re.fullmatch(rb"(?:-halo )?0?\.?\d*", rest)) and _value(rest) < 1.0


def _above_zero(rest: bytes) -> bool:
    return 0.0 < _value(rest) < 1.0


def _value(rest: bytes) -> float:
    try:
        return float(rest.split()[-1])
    except (ValueError, IndexError):
        return 1.0
