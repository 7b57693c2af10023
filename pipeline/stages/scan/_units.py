"""Units and origins: what the files say, then pass sizes against each other, then what speaks for
metres or millimetres."""

from __future__ import annotations

import numpy as np

from pipeline.geometry import clouds, rigid
from pipeline.geometry.units import METRES
from pipeline.stages.scan._raw import Raw
from pipeline.workspace import Workspace

# factor, and the range of size ratios that means it
_RATIOS = ((1000.0, 300.0, 3300.0), (25.4, 18.0, 36.0))
_FAR = 1000.0  # an origin farther off than this many units, and than 20 sizes, is a survey's


def size(raw: Raw) -> float:
    return clouds.diagonal(raw.points)


def scales(raws: list[Raw], names: list[str], ws: Workspace) -> list[float]:
    """Factor per pass that brings all to one unit, with a warning for each that is not 1.

    Units that files name count exactly, in the one that most passes have; a pass of a file that
    names none and is about 1000× or 25.4× larger or smaller than the others is taken as another
    unit.
    """
    known = own(raws)
    told = [
        1.0 if raw.unit is None or known is None else METRES[raw.unit] / METRES[known]
        for raw in raws
    ]
    sizes = [size(raw) * factor for raw, factor in zip(raws, told, strict=True)]
    reference = _reference([one for one, raw in zip(sizes, raws, strict=True) if raw.unit] or sizes)
    result = []
    for raw, name, one, factor in zip(raws, names, sizes, told, strict=True):
        if factor != 1:
            ws.warn(
                f"{name} counts in {raw.unit} and was scaled by {factor:g} to {known}, the unit of"
                " the other passes"
            )
        guessed = 1.0 if raw.unit else _ratio(one / reference)
        if guessed != 1:
            times = max(one / reference, reference / one)
            than = "larger" if guessed < 1 else "smaller"
            ws.warn(
                f"{name} is about {times:.0f} times {than} than the other passes: taken as another"
                f" unit and scaled by {guessed:g}"
            )
        result.append(factor * guessed)
    return result


def own(raws: list[Raw]) -> str | None:
    """The unit that most of the files name; of equal ones the first."""
    said = [raw.unit for raw in raws if raw.unit]
    return max(said, key=said.count) if said else None


def _ratio(ratio: float) -> float:
    """What a pass is multiplied by that is RATIO times as large as the others."""
    for unit, low, high in _RATIOS:
        if low <= ratio <= high:
            return 1 / unit
        if ratio > 0 and low <= 1 / ratio <= high:
            return unit
    return 1.0


def _reference(sizes: list[float]) -> float:
    """Size of the most usual group of passes (within a factor of 6 of each other); of equal groups
    the first."""
    positive = [one for one in sizes if one > 0] or [1.0]
    groups = [[other for other in positive if 1 / 6 <= other / one <= 6] for one in positive]
    return float(np.median(max(groups, key=len)))


def origin(raws: list[Raw], factors: list[float]) -> tuple[int, int, int]:
    """Whole numbers to subtract from all passes where they share survey coordinates, else zeros."""
    middles = []
    for raw, factor in zip(raws, factors, strict=True):
        middle = np.median(raw.points[:: max(1, len(raw.points) // 10000)], axis=0)
        middles.append(
            factor * (middle if raw.pose is None else rigid.apply(raw.pose, middle[None])[0])
        )
    common = np.median(middles, axis=0)
    extent = float(
        np.median([size(raw) * factor for raw, factor in zip(raws, factors, strict=True)])
    )
    far = np.abs(common) > max(_FAR, 20 * extent)
    if not far.any() or float(np.abs(np.asarray(middles) - common).max()) > 50 * extent:
        return (0, 0, 0)
    x, y, z = (
        round(float(value)) if is_far else 0 for value, is_far in zip(common, far, strict=True)
    )
    return (x, y, z)
