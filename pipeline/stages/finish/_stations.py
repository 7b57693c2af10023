"""Placed passes as the scans of an E57 file: metres, each in its scanner's own frame."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.artefacts import Alignment, Pass, Scans
from pipeline.geometry import arrays, rigid
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import METRES
from pipeline.stages.finish.writers.e57 import Station
from pipeline.workspace import Workspace


def of_passes(scans: Scans, alignment: Alignment, ws: Workspace) -> Iterator[Station]:
    """Each placed pass with every point that was kept of it, survey origin included.

    Programs take the origin of a scan's frame for the place where its scanner stood: a pass whose
    scanner's place no file gives stands in the common frame, without a pose."""
    files = {one.name: one for one in scans.passes}
    for placed in alignment.passes:
        if placed.pose is not None and placed.points:
            yield _station(files[placed.name], np.asarray(placed.pose), scans, ws)


def _station(one: Pass, pose: Array, scans: Scans, ws: Workspace) -> Station:
    stored = arrays.load(ws.path(one.whole or one.arrays))
    points, metres = stored["points"], METRES[scans.unit]
    moved = pose.copy()
    moved[:3, 3] += scans.origin
    if one.scanner is None:
        return Station(one.name, metres * rigid.apply(moved, points), stored.get("colors"), None)
    place = np.asarray(one.scanner)
    moved[:3, 3] = metres * rigid.apply(moved, place[None])[0]
    return Station(one.name, metres * (points - place), stored.get("colors"), moved)
