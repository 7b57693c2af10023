"""Units and origins: pass sizes against each other, then against what objects and rooms measure."""

from __future__ import annotations

import numpy as np

from pipeline.geometry import clouds, rigid
from pipeline.stages.scan._raw import Raw
from pipeline.workspace import Workspace

_RATIOS = ((1000.0, 300.0, 3300.0), (25.4, 18.0, 36.0))  # factor, and the range of size ratios that means it
_METRES_UP_TO = 40.0  # a number below this is metres: objects from 1 mm to rooms of 40 m; above: millimetres
_FAR = 1000.0  # an origin farther off than this many units, and than 20 sizes, is a survey's


def size(raw: Raw) -> float:
    return clouds.diagonal(raw.points)


def scales(sizes: list[float], names: list[str], ws: Workspace) -> list[float]:
    """Factor per pass that brings it to the unit most passes have; a pass about 1000× or 25.4× off is scaled, with a warning."""
    reference = _reference(sizes)
    result = []
    for name, one in zip(names, sizes, strict=True):
        factor = 1.0
        for unit, low, high in _RATIOS:
            if one > 0 and low <= one / reference <= high:
                factor = 1 / unit
            elif one > 0 and low <= reference / one <= high:
                factor = unit
        if factor != 1:
            times = max(one / reference, reference / one)
            than = "larger" if factor < 1 else "smaller"
            ws.warn(f"{name} is about {times:.0f} times {than} than the other passes: taken as another unit and scaled by {factor:g}")
        result.append(factor)
    return result


def _reference(sizes: list[float]) -> float:
    """Size of the most usual group of passes (within a factor of 6 of each other); of equal groups the first."""
    positive = [one for one in sizes if one > 0] or [1.0]
    groups = [[other for other in positive if 1 / 6 <= other / one <= 6] for one in positive]
    return float(np.median(max(groups, key=len)))


def unit(raws: list[Raw], factors: list[float], asked: str, ws: Workspace) -> tuple[str, bool]:
    """The drop's unit and whether it is a guess: the option, else the format's own, else by the passes' size."""
    if asked != "auto":
        return asked, False
    own = {raw.unit for raw in raws if raw.unit}
    if len(own) == 1:
        return own.pop(), False
    typical = float(np.median([size(raw) * factor for raw, factor in zip(raws, factors, strict=True)]))
    surveyed = any(origin(raws, factors))  # nobody surveys in millimetres
    guess = "m" if typical < _METRES_UP_TO or surveyed else "mm"
    why = "they are survey coordinates" if surveyed else f"the passes measure about {typical:.3g}"
    ws.warn(f"the unit is a guess: {guess}, because {why}; set unit=… if that is wrong")
    return guess, True


def origin(raws: list[Raw], factors: list[float]) -> tuple[int, int, int]:
    """Whole numbers to subtract from all passes where they share survey coordinates, else zeros."""
    middles = []
    for raw, factor in zip(raws, factors, strict=True):
        middle = np.median(raw.points[:: max(1, len(raw.points) // 10000)], axis=0)
        middles.append(factor * (middle if raw.pose is None else rigid.apply(raw.pose, middle[None])[0]))
    common = np.median(middles, axis=0)
    extent = float(np.median([size(raw) * factor for raw, factor in zip(raws, factors, strict=True)]))
    far = np.abs(common) > max(_FAR, 20 * extent)
    if not far.any() or float(np.abs(np.asarray(middles) - common).max()) > 50 * extent:
        return (0, 0, 0)
    x, y, z = (round(float(value)) if is_far else 0 for value, is_far in zip(common, far, strict=True))
    return (x, y, z)
