"""Passes → passes without outliers, with unit normals that agree with each other and point away
from the object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Pass, Scans
from pipeline.geometry import arrays, clouds
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import METRES
from pipeline.kept.options import Orient
from pipeline.stages.scan import _normals
from pipeline.stages.scan._side import Known
from pipeline.workspace import StageWorkspace

_JUDGED = 100_000  # cells of a pass that are asked for their neighbours, at the most


def run(scans: Scans, ws: StageWorkspace[Orient]) -> Scans:
    """Give every pass oriented normals (N,3) float32; features, verification and meshing depend on
    their signs.

    Signs come from the scanner's place where it is known, from the range grid, from normals the
    file brought, else from propagation over the tangent planes (Open3D) checked against the side
    the pass was seen from. Statistical outliers go (unless skipped). Duplicates stay as they are.
    Units and frames do not change, and passes that are oriented already stay as they are.
    """
    if scans.oriented:
        return scans
    passes = []
    for number, one in enumerate(scans.passes):
        ws.progress(number / len(scans.passes), f"orienting {one.name}")
        passes.append(one if one.duplicate_of else _orient(number, one, METRES[scans.unit], ws))
    return scans.model_copy(update={"passes": tuple(passes), "oriented": True})


def _orient(number: int, one: Pass, metres: float, ws: StageWorkspace[Orient]) -> Pass:
    stored = _without_twins(one.name, arrays.load(ws.path(one.arrays)), ws)
    if ws.options.drops_outliers:
        stored = _without_outliers(stored)
    points = stored["points"]
    scanner = None if one.scanner is None else np.asarray(one.scanner)
    known = Known(metres * clouds.narrowest(points), level=one.survey)
    normals = _normals.oriented(points, scanner, stored.get("grid"), stored.get("normals"), known)
    file = f"orient/{number:04d}.npz"
    arrays.save(ws.path(file), **(stored | {"normals": normals.astype(np.float32)}))
    return one.model_copy(update={"arrays": file, "points": len(points)})


def _without_twins(
    name: str, stored: dict[str, NDArray[Any]], ws: StageWorkspace[Orient]
) -> dict[str, NDArray[Any]]:
    """Drop points that stand there again, where most of the cloud does: they tell nothing, and hide
    how far points are apart."""
    again = clouds.twins(stored["points"])
    if again is None:
        return stored
    ws.warn(
        f"{name}: most of its points stand there several times; {int(again.sum())} of {len(again)}"
        " were left out as repetitions"
    )
    return {key: array[~again] for key, array in stored.items()}


def _without_outliers(stored: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Drop points far from their neighbours; a cloud that would lose more than a tenth is scattered
    by nature and kept."""
    points: Array = stored["points"]
    away = clouds.lonely(points, most=_JUDGED)
    if away.mean() > 0.1:
        return stored
    return {name: array[~away] for name, array in stored.items()}
