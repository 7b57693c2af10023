"""Oriented passes → where each stands in one common frame, with the evidence; a doubtful pass is
left out and named."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Alignment, Pass, PosedPictures, Scans
from pipeline.errors import InputRejected, NoOverlap
from pipeline.geometry import arrays, clouds
from pipeline.geometry.units import METRES
from pipeline.kept.options import Align
from pipeline.stages.scan import (
    _graph,
    _joint,
    _one_side,
    _photographs,
    _prepared,
    _report,
    _together,
)
from pipeline.stages.scan._graph import Group
from pipeline.workspace import StageWorkspace, Workspace

# What they come to on real sets: benchmarks/register.py.
_SCENE = 2.0  # metres: what is larger is a room, a house or a place, not a thing on a table


def run(scans: Scans, posed: PosedPictures | None, ws: StageWorkspace[Align]) -> Alignment:
    """Find the poses of unordered, scrambled passes.

    In: oriented passes. Out: one Placed per pass (duplicates and doubtful ones unplaced), rigid
    poses T_common_pass in the drop's unit, the links that were found and used, groups of
    passes that belong together. Guaranteed: a placed pass hangs on a link that is strong, or that
    an independent third pass confirms, and no placed pass lies where another camera saw through.
    Photographs stand where their cameras were found. Features by Open3D, the rest numpy and scipy;
    nothing is random. Raises NoOverlap when no two passes match.
    """
    if posed is not None and posed.pictures:
        _say_unused(ws)
        return _photographs.alignment(scans, posed, ws)
    usable = [one for one in scans.passes if one.duplicate_of is None]
    # one pass after the other: all at once they may be larger than the memory
    size = float(np.median([clouds.diagonal(_stored(one, ws)["points"]) for one in usable]))
    if len(usable) == 1 or ws.options.align != "auto":
        return _as_given(scans, usable, size, ws)
    passes, scene = [], METRES[scans.unit] * size > _SCENE
    for number, one in enumerate(usable):
        data = _stored(one, ws)
        ws.progress(0.2 * number / len(usable), f"preparing {one.name}")
        place = None if one.scanner is None else np.asarray(one.scanner)
        passes.append(
            _prepared.prepare(
                one.name,
                data["points"],
                data["normals"],
                size,
                place,
                None if one.grey else data.get("colors"),  # it hangs on range and angle
                scene,
            )
        )
    links, groups = _together.grown(scans, usable, passes, scene, ws)
    if len(groups[0].poses) < 2:
        raise NoOverlap(f"none of the {len(usable)} passes could be matched with another")
    residual = _joint.residual(passes, groups[0].poses) * size
    main = _graph.side_by_side(groups) if ws.options.components == "all" else groups[0]
    posed_by_files = any(one.pose is not None for one in usable)
    sided = None if scene or posed_by_files else _one_side.tell(passes, main)
    result = _report.alignment(
        scans,
        usable,
        main,
        groups,
        links,
        size,
        residual,
        [_together.normalise(one) for one in passes],
    )
    for text in _report.doubts(main, len(usable)):
        ws.warn(text)
    if sided:
        ws.warn(sided)
    for row in result.passes:
        if not row.placed and row.warning:
            ws.warn(f"{row.name}: {row.warning}")
    return result


def _stored(one: Pass, ws: Workspace) -> dict[str, NDArray[Any]]:
    return arrays.load(ws.path(one.arrays))


def _as_given(
    scans: Scans, usable: list[Pass], size: float, ws: StageWorkspace[Align]
) -> Alignment:
    """No matching: one pass alone, passes of one frame (align=off), or trusted poses
    (align=given)."""
    trusted = [
        one
        for one in usable
        if ws.options.align != "given" or one.pose is not None or len(usable) == 1
    ]
    if not trusted:
        raise InputRejected(
            "align=given was asked for, but no file gives a pose",
            remedy="Set align=auto, or drop files with poses (E57, PTX).",
        )
    if len(usable) == 1:
        ws.warn("there is one pass only: what its scanner did not see is missing from the model")
    for one in usable:
        if one not in trusted:
            ws.warn(f"{one.name}: left out: align=given was asked for and the file gives no pose")
    group = Group({usable.index(one): _together.given(one) for one in trusted})
    return _report.alignment(
        scans,
        usable,
        group,
        [group],
        [],
        size,
        None,
        [np.eye(4)] * len(usable),
        fixed=len(usable) > 1,
    )


def _say_unused(ws: StageWorkspace[Align]) -> None:
    """What was asked of the poses of passes: photographs found their cameras by themselves."""
    asked = (
        ("align", ws.options.align, "auto"),
        ("turntable", ws.options.turntable, None),
        ("order", ws.options.order, "any"),
        ("components", ws.options.components, "largest"),
    )
    for name, value, default in asked:
        if value != default:
            ws.warn(f"{name}={value} is for scan passes, and not used of photographs")
