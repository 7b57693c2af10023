"""Photographs as placed passes: their cameras were found from all of them together."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Alignment, Link, Placed, PosedPicture, PosedPictures, Scans
from pipeline.geometry import arrays, clouds, rigid
from pipeline.workspace import Workspace

# What they come to on real sets: benchmarks/register.py.
PROBE = 20_000  # points of a pass that tell how large the object is


def alignment(scans: Scans, posed: PosedPictures, ws: Workspace) -> Alignment:
    """One Placed per photograph that was dropped, in the order of their names; links are the pairs
    that show the same points, their overlap the share of the better known one's points."""
    counts = {one.name: one.points for one in scans.passes}
    placed = [_placed(one, counts.get(one.name, 0)) for one in posed.pictures]
    placed += [_without(name, why) for name, why in posed.left_out]
    known = {one.name: max(one.points, 1) for one in posed.pictures}
    links = tuple(
        Link(
            a=a,
            b=b,
            score=float(count),
            overlap=min(1.0, count / max(known[a], known[b])),
            used=True,
            method="photographs",
        )
        for a, b, count in posed.links
        if a in known and b in known
    )
    return Alignment(
        passes=tuple(sorted(placed, key=lambda one: one.name)),
        links=links,
        components=posed.groups,
        size=_size(scans, ws),
    )


def _placed(picture: PosedPicture, points: int) -> Placed:
    return Placed(
        name=picture.name,
        points=points,
        placed=True,
        pose=rigid.to_matrix(rigid.invert(np.asarray(picture.pose))),
        score=None,
        overlap=None,
        warning=picture.warning,
    )


def _without(name: str, why: str) -> Placed:
    return Placed(
        name=name,
        points=0,
        placed=False,
        pose=None,
        score=None,
        overlap=None,
        warning=f"left out: {why}",
    )


def _size(scans: Scans, ws: Workspace) -> float:
    some = []
    for one in scans.passes:
        points = arrays.load(ws.path(one.arrays))["points"]
        step = max(1, len(points) // PROBE)
        some.append(rigid.apply(np.asarray(one.pose), points[::step].astype(np.float64)))
    return clouds.diagonal(np.concatenate(some))
