"""What a PNG without a colour profile says of its colours in chunks of its own: gAMA and cICP."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from pipeline.geometry.readers.eightbits import Warn

USUAL = 1 / 2.2  # the gamma that means sRGB, or nothing
NEAR = 0.02
SRGB = ((1, 13), (1, 1), (2, 2))  # cICP's numbers of primaries and curve that need no word


def applied(image: Any, path: Path, name: str, warn: Warn) -> Any:
    """IMAGE (RGBA, Pillow) in sRGB, by what the file at PATH says; WARN hears what cannot be
    applied."""
    told = _chunks(path)
    if "cICP" in told:
        primaries, curve = told["cICP"][:2]
        if (primaries, curve) not in SRGB:
            warn(
                f"{name} says its colours by the numbers {primaries} and {curve} (cICP), which are"
                " not applied: they are taken as sRGB."
            )
        return image
    gamma = int.from_bytes(told.get("gAMA", b"")[:4], "big") / 100_000
    if "sRGB" in told or not 0.1 <= gamma <= 2 or abs(gamma - USUAL) <= NEAR:
        return image
    table = [_curved((value / 255) ** (1 / gamma)) for value in range(256)]
    return image.point([*table * 3, *range(256)])


def _curved(linear: float) -> int:
    share = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(255 * share)


def _chunks(path: Path) -> dict[str, bytes]:
    """The short chunks before the pixels, by their names."""
    found: dict[str, bytes] = {}
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
            size, kind = struct.unpack(">I", head[:4])[0], head[4:].decode("latin-1")
            if size <= 16:
                found[kind] = file.read(size)
                file.seek(4, 1)
            else:
                file.seek(size + 4, 1)
    return found
