"""The unit of a drop: asked for, named by a file, or a guess from all that speaks, which names the
other candidate, too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.formats import signatures
from pipeline.geometry.units import METRES
from pipeline.stages.scan import _units
from pipeline.stages.scan._raw import Raw
from pipeline.workspace import Workspace

# a size below this is metres: objects from 1 mm to rooms of 40 m; from _MILLIMETRES_FROM on:
# millimetres
_METRES_UP_TO = 40.0
_MILLIMETRES_FROM = 120.0  # between the two, the shape and the scanner's place decide
# no scanner works closer than 60 mm, so one that stood nearer than 60 stood that many metres off
_NEAREST = 60.0
# a facade's depth is a smaller share of its size than that of things that are scanned in
# millimetres
_THIN = 0.15
_SAMPLE = 20_000
_OF_SURVEYS = (".las", ".laz")  # E57 and PTX are in metres by their own rule


class Unit(NamedTuple):
    """name; from_: words for where it comes from; other: the next candidate of a guess, None where
    it is none."""

    name: str
    from_: str
    other: str | None = None


def decide(raws: list[Raw], factors: list[float], asked: str, ws: Workspace) -> Unit:
    """The unit of the scaled passes. A guess is a warning; so is an option that contradicts what a
    file says of itself."""
    known = _units.own(raws)
    if asked != "auto":
        if known and known != asked:
            ws.warn(
                f"unit={asked} was asked for, but by its own word or format the drop counts in"
                f" {known}; {asked} was taken"
            )
        return Unit(asked, "option unit")
    if known:
        return Unit(known, "the file or its format")
    typical = float(
        np.median([_units.size(raw) * factor for raw, factor in zip(raws, factors, strict=True)])
    )
    guess, other, why = _guess(raws, factors, typical)
    large = (
        f"with {other} they would be {_words(typical, other)} large instead of"
        f" {_words(typical, guess)}"
    )
    ws.warn(f"the unit is a guess: {guess}, because {why}; {large}; set unit=… if that is wrong")
    return Unit(guess, f"a guess, because {why}", other)


def _guess(raws: list[Raw], factors: list[float], typical: float) -> tuple[str, str, str]:
    """(unit, the other candidate, why)."""
    if any(_units.origin(raws, factors)):
        return "m", "ft", "they are survey coordinates"
    if all(signatures.suffix(raw.name) in _OF_SURVEYS for raw in raws):
        return "m", "ft", "LAS files hold surveys and name no other unit"
    measure = f"the passes measure about {typical:.3g}"
    if (
        stood := _stood(raws, factors)
    ) is not None and _METRES_UP_TO <= typical < 10 * _MILLIMETRES_FROM:
        unit, other = ("m", "mm") if stood < _NEAREST else ("mm", "m")
        return unit, other, f"{measure} and their scanner stood {stood:.3g} away"
    if typical < _METRES_UP_TO:
        return "m", "mm" if typical > 1 else "inch", measure
    if typical < _MILLIMETRES_FROM and _is_thin(raws):
        return "m", "mm", f"{measure} and are as flat as a wall"
    return "mm", "m", measure


def _stood(raws: list[Raw], factors: list[float]) -> float | None:
    """The middle distance from known places of scanners to what they saw."""
    found = []
    for raw, factor in zip(raws, factors, strict=True):
        if raw.scanner is not None:
            some = raw.points[:: max(1, len(raw.points) // _SAMPLE)]
            found.append(factor * float(np.median(np.linalg.norm(some - raw.scanner, axis=1))))
    return float(np.median(found)) if found else None


def _is_thin(raws: list[Raw]) -> bool:
    """Are the passes slabs, like a facade?"""
    shares = []
    for raw in raws:
        some = raw.points[:: max(1, len(raw.points) // _SAMPLE)]
        spread = np.sqrt(np.maximum(np.linalg.eigvalsh(np.cov(some.T)), 0))
        shares.append(spread[0] / max(spread[2], 1e-300))
    return float(np.median(shares)) < _THIN


def _words(size: float, unit: str) -> str:
    metres = size * METRES[unit]
    return f"{metres * 1000:.3g} mm" if metres < 1 else f"{metres:.3g} m"
