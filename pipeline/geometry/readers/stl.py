"""STL, text and binary: facets, and the colours that Magics and VisCAM hide in the attribute
bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import stl, unit_words
from pipeline.formats.account import Account
from pipeline.formats.bytes import HEAD
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import Contents, Part, damaged
from pipeline.geometry.readers.polygons import triangulate
from pipeline.geometry.readers.textlines import Lines, other_lines, plain
from pipeline.geometry.readers.textnumbers import numbers

Array = NDArray[Any]
FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
GREY = 180
# keywords, and no words of a name
BROKEN = re.compile(rb"\s*\b(facet|outer|vertex(?=\s+[-+.\dni])|endloop|endfacet|endsolid)\b\s*")
# what a line may begin with that is read or says nothing about shape and colour
KNOWN = re.compile(rb"solid|facet|outer|vertex|end(?:loop|facet|solid)?|[#;].*")


def read(name: str, path: Path, beside: Companions) -> Contents:
    """All facets of all solids; every corner is a vertex of its own."""
    data, account = path.read_bytes(), Account(name)
    if stl.is_text(data[:HEAD], len(data)):
        data = plain(data)
        return Contents(
            [_text(name, data, account)], account, unit_words.said(data.split(b"\n", 1)[0])
        )
    said, there = stl.count(data[: stl.HEADER]), max(len(data) - stl.HEADER, 0) // stl.FACET
    take = there if said in stl.UNKNOWN_COUNTS else min(said, there)
    account.declare("faces", "", take if said in stl.UNKNOWN_COUNTS else said)
    account.arrive("faces", "", take)
    if said in stl.UNKNOWN_COUNTS and there:
        account.remark(f"its header counts {said} triangles; the {there} that follow were read")
    if (extra := there - take) > 0:
        account.remark(
            f"its header declares {said} triangles; room for {extra} more follows, which was not"
            " read"
        )
    rows = np.frombuffer(data, FACET, take, stl.HEADER)
    corners = rows["corners"].reshape(-1, 3).astype(np.float64)
    part = Part(
        corners,
        np.arange(len(corners)).reshape(-1, 3),
        _colors(data[: stl.HEADER], rows["attribute"]),
    )
    return Contents([part], account, unit_words.said(data[: stl.HEADER - 4]))


def _colors(header: bytes, attribute: Array) -> Array | None:
    """Magics: COLOR= in the header, red in the low bits, bit 15 says "as the whole"; VisCAM: blue
    low, bit 15 says "a colour"."""
    whole = re.search(rb"COLOR=(.{4})", header, re.S)
    flagged = (attribute & 0x8000) != 0
    if not whole and not flagged.any():
        return None
    low, middle, high = (((attribute >> shift) & 31) * (255 / 31) for shift in (0, 5, 10))
    if whole:
        colors = np.stack([low, middle, high], axis=1)
        # MeshLab leaves 0 at facets without a colour
        colors[flagged if attribute.any() else slice(None)] = list(whole[1][:3])
    else:
        colors = np.stack([high, middle, low], axis=1)
        colors[~flagged] = GREY
    return np.repeat(np.round(colors).astype(np.uint8), 3, axis=0)


def _text(name: str, data: bytes, account: Account) -> Part:
    lines = Lines(_laid_out(data.lower()))
    other_lines(lines, b"fove s\n", KNOWN, account)
    at, loops = lines.beginning(b"vertex"), lines.beginning(b"facet")
    account.declare("faces", "", len(loops))
    ends = len(lines.beginning(b"endsolid")) + len(lines.beginning(b"end"))
    if ends < max(len(lines.beginning(b"solid")), 1):
        account.remark("a solid of it has no end (endsolid): facets may be missing there")
    corners, counts = numbers(name, "vertex", lines.block(at, len(b"vertex")))
    if (counts != 3).any():
        row = int(np.flatnonzero(counts != 3)[0])
        raise damaged(name, f"vertex {row + 1} has {int(counts[row])} coordinates")
    corners = corners.reshape(-1, 3)
    of = np.searchsorted(loops, at) - 1
    if len(of) and of.min() < 0:
        raise damaged(name, "a vertex stands before its first facet")
    many = np.bincount(of, minlength=len(loops))
    account.arrive("faces", "", int((many >= 3).sum()))
    triangles, _ = triangulate(corners, many)
    used, packed = np.unique(triangles, return_inverse=True)
    return Part(corners[used], packed.reshape(-1, 3))


def _laid_out(data: bytes) -> bytes:
    """DATA with its keywords at the beginning of lines, and numbers beside them, where a program
    broke the lines elsewhere."""
    usual = len(re.findall(rb"^ *vertex +[-+.\dni]", data, re.M))
    if usual == len(re.findall(rb"\bvertex\s+[-+.\dni]", data)):
        return data
    return BROKEN.sub(rb"\n\1 ", data)
