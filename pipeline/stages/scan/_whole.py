"""Every point of a survey, moved to the common frame and not thinned; written block by block, so
that memory does not follow it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.artefacts import Alignment, Pass, Scans
from pipeline.geometry import arrays, rigid
from pipeline.workspace import Workspace

# points of a cloud.ply that people can still open; beyond, it is thinned, and that is said
MOST = 200_000_000
_BLOCK = 2_000_000


def keep(scans: Scans, alignment: Alignment, ws: Workspace) -> dict[str, Any]:
    """Fields of PointCloud that name the files; none where the placed passes are no survey, or too
    many points."""
    files = {one.name: one for one in scans.passes}
    placed = [(files[one.name], np.asarray(one.pose)) for one in alignment.passes if one.placed]
    if not any(one.whole for one, _ in placed):
        return {}
    counts = [_count(one, ws) for one, _ in placed]
    if sum(counts) > MOST:
        ws.warn(
            f"cloud.ply is thinned: all {sum(counts)} points of the survey would be more than"
            f" {MOST}; set cell=… to choose how far"
        )
        return {}
    coloured = any(_has_colours(one, ws) for one, _ in placed)
    points = np.lib.format.open_memmap(
        ws.path("fuse/whole.npy"), "w+", np.float64, (sum(counts), 3)
    )
    colours = (
        np.lib.format.open_memmap(
            ws.path("fuse/whole_colors.npy"), "w+", np.uint8, (sum(counts), 3)
        )
        if coloured
        else None
    )
    at = 0
    for one, pose in placed:
        stored = arrays.load(ws.path(one.whole or one.arrays))
        for start in range(0, len(stored["points"]), _BLOCK):
            block = stored["points"][start : start + _BLOCK]
            points[at : at + len(block)] = rigid.apply(pose, block)
            if colours is not None:
                colours[at : at + len(block)] = (
                    stored["colors"][start : start + _BLOCK] if "colors" in stored else 128
                )
            at += len(block)
    points.flush()
    return {
        "whole": "fuse/whole.npy",
        "whole_colors": "fuse/whole_colors.npy" if coloured else None,
        "whole_points": at,
    }


def _count(one: Pass, ws: Workspace) -> int:
    with np.load(ws.path(one.whole or one.arrays)) as stored:
        return len(stored["points"])


def _has_colours(one: Pass, ws: Workspace) -> bool:
    with np.load(ws.path(one.whole or one.arrays)) as stored:
        return "colors" in stored
