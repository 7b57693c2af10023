"""Placed passes → one merged cloud: a voxel grid filled pass by pass, so memory follows the
surface, not the raw points."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Alignment, PointCloud, Scans
from pipeline.errors import InputRejected
from pipeline.geometry import arrays, clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.kept.options import Fuse
from pipeline.stages.scan import _whole
from pipeline.stages.scan._merge import Merger
from pipeline.workspace import StageWorkspace

FINEST, COARSEST = 50_000, 10  # cells along the object
SEVERAL = 3  # points that a cell of a dense scan holds at the least
_CHUNK = 2_000_000  # rows that are moved at once


def run(scans: Scans, alignment: Alignment, ws: StageWorkspace[Fuse]) -> PointCloud:
    """Merge all placed passes in the common frame, drop's unit.

    One mean point, mean normal (unit length) and mean colour per occupied cell; the cell is the
    option ``cell`` or the tier's share of the size. Statistical outliers go unless skipped. Of
    surveys (E57, LAS, PTX, PTS) every point is kept beside that, for cloud.ply, unless ``cell`` was
    asked for. Guaranteed: finite points, unit normals. numpy and scipy only. Raises InputRejected
    for a cell that would leave no shape, or no merging.
    """
    cell = ws.options.cell or ws.options.cell_share * alignment.size
    if not alignment.size / FINEST <= cell <= alignment.size / COARSEST:
        raise InputRejected(
            f"cell={cell:g} does not fit an object {alignment.size:.4g} {scans.unit} large",
            remedy=(
                f"Set cell between {alignment.size / FINEST:.3g} and"
                f" {alignment.size / COARSEST:.3g}, or leave it out."
            ),
        )
    placed = [(k, one) for k, one in enumerate(alignment.passes) if one.placed and one.points]
    files = {one.name: one.arrays for one in scans.passes}
    merger = Merger(cell)
    for number, (k, one) in enumerate(placed):
        ws.progress(0.8 * number / len(placed), f"merging {one.name}")
        for chunk in _chunks(arrays.load(ws.path(files[one.name])), np.asarray(one.pose)):
            merger.add(*chunk, k)
    merged = merger.result(SEVERAL if scans.dense else 1)
    if ws.options.drops_outliers:
        keep = ~clouds.lonely(merged["points"])
        merged = {name: array[keep] for name, array in merged.items()}
    file, points = "fuse/cloud.npz", merged["points"]
    arrays.save(ws.path(file), **merged)
    ws.progress(0.9, f"{len(points)} points merged")
    return PointCloud(
        arrays=file,
        points=len(points),
        spacing=clouds.spacing(points),
        size=alignment.size,
        colored="colors" in merged,
        **({} if ws.options.cell else _whole.keep(scans, alignment, ws)),
    )


def _chunks(
    stored: dict[str, NDArray[Any]], pose: Array
) -> Iterator[tuple[Array, Array, NDArray[np.uint8] | None]]:
    """Moved points and turned normals, a block of rows at a time."""
    for at in range(0, len(stored["points"]), _CHUNK):
        part = slice(at, at + _CHUNK)
        colors = stored["colors"][part] if "colors" in stored else None
        yield (
            rigid.apply(pose, stored["points"][part]),
            rigid.turn(pose, stored["normals"][part].astype(np.float64)),
            colors,
        )
