"""XYZ, PTS, TXT, CSV: columns, separator and header line are found by looking. Pure numpy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.stages.scan._raw import Raw, from_columns, is_number, odd_row

_COMMENT = ("#", "//", "%", ";#")
_ALIASES = {"x-coordinate": "x", "y-coordinate": "y", "z-coordinate": "z", "//x": "x", "r": "red", "g": "green", "b": "blue",
            "normalx": "nx", "normaly": "ny", "normalz": "nz", "normal_x": "nx", "normal_y": "ny", "normal_z": "nz"}  # fmt: skip


def read(source: Source) -> list[Raw]:
    """The rows of a text file as one pass."""
    text = source.path.read_bytes()
    if b"\0" in text[:65536]:
        raise broken(source.name, "it is not a text file")
    lines = [line for line in text.decode("latin-1").splitlines() if line.strip()]
    header, lines = _header(lines)
    said, lines = _count(lines)
    if not lines:
        raise broken(source.name, "it holds no points")
    if said is not None and len(lines) < said:
        raise cut_off(source.name, said, len(lines))
    values = _numbers(source.name, lines if said is None else lines[:said])
    return [from_columns(source.name, _name_columns(source.name, values, header))]


def _split(line: str) -> list[str]:
    return [part for part in re.split(r"[\s,;]+", line.strip()) if part]


def _header(lines: list[str]) -> tuple[list[str] | None, list[str]]:
    """Leave out comments and a line of column names; the names come back where they name x, y and z."""
    names: list[str] | None = None
    at = 0
    while at < len(lines) and at < 100:
        words = _split(lines[at])
        if words and all(is_number(word) for word in words):
            break
        plain = [_ALIASES.get(w.strip('"').lower(), w.strip('"').lower()) for w in _split(lines[at].lstrip("#/%; "))]
        if {"x", "y", "z"} <= set(plain):
            names = plain
        at += 1
    body = lines[at:]
    return names, [line for line in body if not line.lstrip().startswith(_COMMENT)]


def _count(lines: list[str]) -> tuple[int | None, list[str]]:
    """PTS begins with the number of points on a line of its own."""
    if len(lines) > 1 and len(_split(lines[0])) == 1 and lines[0].strip().isdigit():
        return int(lines[0]), lines[1:]
    return None, lines


def _numbers(name: str, lines: list[str]) -> NDArray[Any]:
    if ";" in lines[0] and "," in lines[0]:  # decimal comma
        lines = [line.replace(",", ".").replace(";", " ") for line in lines]
    elif ";" in lines[0] or "," in lines[0]:
        lines = [line.replace(";", " ").replace(",", " ") for line in lines]
    wide = len(lines[0].split())
    if wide < 3:
        raise broken(name, "its rows have fewer than three columns")
    if len(lines[-1].split()) < wide:
        raise cut_off(name, len(lines), len(lines) - 1)
    try:
        return np.loadtxt(lines, ndmin=2, comments=None)
    except ValueError:
        raise odd_row(name, lines, wide) from None


def _name_columns(name: str, values: NDArray[Any], header: list[str] | None) -> dict[str, NDArray[Any]]:
    wide = values.shape[1]
    labels = header[:wide] if header and len(header) >= wide else ["x", "y", "z", *_guess(values[:, 3:])]
    return dict(zip(labels, values.T, strict=False))


def _guess(rest: NDArray[Any]) -> list[str]:
    """Names for the columns after x, y, z: unit vectors are normals, other triples colours, a single one intensity."""
    wide = rest.shape[1]
    if wide >= 6:
        return _triple(rest[:, :3]) + _triple(rest[:, 3:6]) + ["rest"] * (wide - 6)
    if wide >= 4:  # x y z intensity r g b
        return ["intensity", *_triple(rest[:, 1:4])] + ["rest"] * (wide - 4)
    return _triple(rest) if wide == 3 else ["intensity", "rest"][:wide]


def _triple(values: NDArray[Any]) -> list[str]:
    length = np.linalg.norm(values, axis=1)
    is_normal = (np.abs(length - 1) < 0.02).mean() > 0.9 and values.min() < 0
    return ["nx", "ny", "nz"] if is_normal else ["red", "green", "blue"]
