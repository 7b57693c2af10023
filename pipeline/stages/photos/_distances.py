"""Distances between named points of the object, which a person marked in photographs: a text
``distances.txt`` or ``.csv`` beside them.

    A  IMG_0001.jpg  512 300      a point, and where a photograph shows it: pixels right and down
    A  IMG_0004.jpg  498 310      from the upper left corner, as the photograph is shown
    B  IMG_0001.jpg  200 700
    B  IMG_0004.jpg  180 690
    A  B  350 mm                  how far two of them are apart
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.artefacts import PosedPicture
from pipeline.formats import tables
from pipeline.formats.refusals import Source
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import METRES, UNIT_NAMES
from pipeline.stages.photos import _beside as beside
from pipeline.stages.photos import _markers
from pipeline.stages.photos._markers import APART, Sighted, Told
from pipeline.stages.photos._straight import unbent
from pipeline.stages.photos._world import Shot

WITHIN = 0.008  # of the longer edge: how far the rays of one point may pass each other
NARROW = 4.0  # degrees between two rays, below which where they meet is not certain
_LABEL = r"([^\s,;]+)"
_UNIT = "|".join(sorted((*UNIT_NAMES, "in"), key=len, reverse=True))
# 1,000 may be one or a thousand
_LENGTH = r"[0-9]*[.]?[0-9]+|[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})"
_APART = re.compile(rf"{_LABEL}[\s,;]+{_LABEL}[\s,;]+({_LENGTH})[\s,;]*({_UNIT})[\s.]*", re.I)
_MARK = re.compile(rf"{_LABEL}[\s,;]+(.+?)[\s,;]+([0-9]*[.]?[0-9]+)[\s,;]+([0-9]*[.]?[0-9]+)")


class Marked(NamedTuple):
    """name: of the list. apart: metres by two labels; marks: (label, photograph's key) → pixel of
    the shown photograph; unread: rows of numbers that say neither."""

    name: str
    apart: dict[tuple[str, str], float]
    marks: dict[tuple[str, str], tuple[float, float]]
    unread: tuple[str, ...] = ()


def read(sources: Sequence[Source]) -> Marked | None:
    """The first of SOURCES that tells distances."""
    for source in sources:
        apart, marks, unread = {}, {}, list[str]()
        for line in map(str.strip, beside.text(source.path).splitlines()):
            if (found := _APART.fullmatch(line)) and _is_distance(*found.groups()[:3]):
                a, b, length, unit = found.groups()
                name = UNIT_NAMES.get(unit.lower(), "inch")
                apart[a, b] = _number(length) * METRES[name]
            elif not found and (found := _MARK.fullmatch(line)):
                label, photo, x, y = found.groups()
                marks[label, beside.key(photo)] = float(x), float(y)
            elif any(map(str.isdigit, line)) and not tables.is_comment(line):
                unread.append(line)
        if apart:
            return Marked(source.name, apart, marks, tuple(unread))
    return None


def _is_distance(a: str, b: str, length: str) -> bool:
    return a != b and _number(length) > 0


def _number(word: str) -> float:
    return float(word.replace(",", "."))


def size(marked: Marked, pictures: Sequence[PosedPicture], shots: Sequence[Shot]) -> Told:
    """What the distances tell of the size; why they tell nothing, in words."""
    called = beside.photographs({photo for _, photo in marked.marks}, [p.name for p in pictures])
    marks = {
        (label, called[photo]): place
        for (label, photo), place in marked.marks.items()
        if photo in called
    }
    sighted = [_sighted(marks, *pair) for pair in zip(pictures, shots, strict=True)]
    labels = sorted({label for pair in marked.apart for label in pair})
    points: dict[str, Array] = {}
    for label in labels:
        met, why = _met([one for one in sighted if (label, 0) in one.corners], label, pictures)
        if met is None:
            return Told(None, f"{marked.name} is not used: point {label} {why}")
        points[label] = met
    found = np.array([np.linalg.norm(points[a] - points[b]) for a, b in marked.apart])
    metres = np.array(list(marked.apart.values())) / np.maximum(found, 1e-12)
    middle = float(np.median(metres))
    spread = float(np.abs(metres / middle - 1).max())
    if spread > APART:
        return Told(
            None, f"{marked.name} is not used: its distances disagree by {spread:.0%} with another"
        )
    listed = ", ".join(f"{a}–{b} {1000 * far:g} mm" for (a, b), far in marked.apart.items())
    agree = f", which agree within {max(spread, 0.001):.1%}" if len(metres) > 1 else ""
    return Told(middle, f"the distance {listed} of {marked.name}{agree}")


def _sighted(
    marks: dict[tuple[str, str], tuple[float, float]], picture: PosedPicture, shot: Shot
) -> Sighted:
    """The points that MARKS (by label and photograph) has in a photograph, in pixels of its
    straight picture."""
    fx, fy, cx, cy = picture.camera
    corners: dict[tuple[str, int], Array] = {}
    for (label, photo), place in marks.items():
        if photo == picture.name:
            stored = shot.photo.stored_place(place)
            ray = unbent(np.asarray(stored), shot.params)
            corners[label, 0] = ray * (fx, fy) + (cx, cy)
    return Sighted(picture.camera, np.asarray(picture.pose), corners)


def _met(
    seen: Sequence[Sighted], label: str, pictures: Sequence[PosedPicture]
) -> tuple[Array | None, str]:
    """Where the rays of a point meet; or why that is not known."""
    if len(seen) < _markers.FEWEST:
        return None, f"is marked in {len(seen)} of the photographs that have a place; it takes two"
    point = _markers.met(seen, (label, 0))
    eyes = np.array([-one.pose[:3, :3].T @ one.pose[:3, 3] for one in seen])
    ways = (point - eyes) / np.linalg.norm(point - eyes, axis=1, keepdims=True)
    if np.degrees(np.arccos(np.clip((ways @ ways.T).min(), -1, 1))) < NARROW:
        return None, "is marked in photographs from nearly the same place: mark it from further off"
    off = max(
        float(np.linalg.norm(_markers.shown(one, point) - one.corners[label, 0])) for one in seen
    )
    if off > WITHIN * 2 * max(seen[0].camera[2:]):
        return None, f"is not marked in one place: its marks miss each other by {off:.0f} pixels"
    return point, ""
