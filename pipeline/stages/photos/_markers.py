"""Printed markers in photographs: where their corners lie in space, and how large that makes the
model (library: OpenCV)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from pipeline.formats import boards
from pipeline.geometry.rigid import Array

FEWEST = 2  # photographs that must show a corner
WITHIN = 2.0  # pixels by which they may disagree about it
CELLS = 8  # of a marker along its edge
APART = 0.03  # share by which markers may disagree about the size
PRINTED = 0.15  # share by which a printer that fits a sheet to its paper changes it at the most


FEW_SEE = "markers are seen in too few photographs to tell the size"
NONE_SEEN = "marker_edge is not used: no photograph shows a marker (AprilTag 36h11)"


class Told(NamedTuple):
    """metres that one unit of the common frame is, or None; where that comes from, or why there is
    none, in words ("" where no markers are seen); what speaks against it, in words."""

    metres: float | None
    words: str
    doubt: str = ""


class Sighted(NamedTuple):
    """One photograph: camera fx, fy, cx, cy and pose common frame → camera (4×4); corners by
    (marker, 0…3), or whatever names a point; pixels."""

    camera: tuple[float, float, float, float]
    pose: Array
    corners: dict[Any, Array]


def sought(picture: Any) -> dict[tuple[int, int], Array]:
    """Corners of the markers in PICTURE (H,W,3 uint8), pixels, the first one's centre at 0.5."""
    import cv2

    family = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    found, numbers, _ = cv2.aruco.ArucoDetector(family).detectMarkers(gray)
    corners: dict[tuple[int, int], Array] = {}
    for square, number in zip(found, () if numbers is None else numbers.ravel(), strict=True):
        # the detector's own corners lie inside the black by half a pixel
        cell = np.linalg.norm(square[0] - np.roll(square[0], 1, 0), axis=1).min() / CELLS
        reach = int(np.clip(round(0.8 * cell), 2, 6))
        exact = cv2.cornerSubPix(
            gray, square.reshape(4, 1, 2).copy(), (reach, reach), (-1, -1), (3, 50, 1e-3)
        )
        corners |= {
            (int(number), k): np.asarray(corner, np.float64) + 0.5
            for k, corner in enumerate(exact.reshape(4, 2))
        }
    return corners


def size(sighted: Sequence[Sighted], edge: float | None) -> Told:
    """What the markers tell, their EDGE in mm as asked for; without that they must lie as those of
    our own boards do."""
    corners = _placed(sighted)
    whole = {
        number: np.array([corners[number, k] for k in range(4)])
        for number in sorted({key[0] for key in corners})
        if all((number, k) in corners for k in range(4))
    }
    if not whole:
        seen = any(one.corners for one in sighted)
        return Told(None, FEW_SEE if seen else NONE_SEEN if edge else "")
    sides = {
        number: np.linalg.norm(square - np.roll(square, 1, 0), axis=1)
        for number, square in whole.items()
    }
    every = np.concatenate(list(sides.values()))
    middle = float(np.median(every))
    if np.median(np.abs(every / middle - 1)) > APART:
        return Told(None, "the markers that are seen are not of one size, or moved")
    # of another sheet, or wrongly read
    other = [k for k, side in sides.items() if abs(side.mean() / middle - 1) > APART]
    whole = {number: square for number, square in whole.items() if number not in other}
    apart = _off({number: square.mean(0) for number, square in whole.items()}, middle)
    ours = len(apart) > 0 and float(np.median(np.abs(apart))) < APART
    if edge is None and not ours:
        return Told(
            None,
            "markers are seen, but they do not lie as on a sheet of `inbox3d board`: say in"
            " job.toml how long a black square's edge is, in mm: marker_edge = …",
        )
    told = edge or boards.EDGE
    # from middle to middle no blur of an edge counts
    unit = middle * (1 + float(np.median(apart)) if ours else 1)
    spread = float(np.median(np.abs((apart - np.median(apart)) if ours else every / middle - 1)))
    return Told(
        told / 1000 / unit,
        f"{len(whole)} printed markers with an edge of {told:g} mm, which agree within"
        f" {max(100 * spread, 0.1):.1f} %"
        + (f" ({len(other)} more are of another size and not used)" if other else ""),
        _doubt(told) if ours else "",
    )


def _doubt(edge: float) -> str:
    """What to say where our own sheet is said to have squares of another EDGE, in mm."""
    if abs(edge / boards.EDGE - 1) <= PRINTED:
        return ""
    return (
        f"marker_edge says {edge:g} mm, and the markers are those of `inbox3d board`, which are"
        f" {boards.EDGE:g} mm as they are printed: if the sheet was not scaled, the size is"
        f" {max(edge / boards.EDGE, boards.EDGE / edge):.3g} times too"
        f" {'large' if edge > boards.EDGE else 'small'}"
    )


def _off(middles: dict[int, Array], edge: float) -> Array:
    """By what share the markers are farther apart than on our sheets, if the edge is EDGE long."""
    known = {number: place for number in middles if (place := boards.place_of(number))}
    pairs = [(a, b) for a, b in combinations(sorted(known), 2) if known[a].sheet == known[b].sheet]
    found = np.array([np.linalg.norm(middles[a] - middles[b]) / edge for a, b in pairs])
    drawn = [np.hypot(known[a].x - known[b].x, known[a].y - known[b].y) for a, b in pairs]
    return np.asarray(found / (np.array(drawn) / boards.EDGE) - 1)


def _placed(sighted: Sequence[Sighted]) -> dict[tuple[int, int], Array]:
    """Corners in the common frame: those on which at least FEWEST photographs agree."""
    placed = {}
    for key in sorted({key for one in sighted for key in one.corners}):
        seen = [one for one in sighted if key in one.corners]
        while len(seen) >= FEWEST:
            point = met(seen, key)
            apart = [float(np.linalg.norm(shown(one, point) - one.corners[key])) for one in seen]
            if max(apart) < WITHIN:
                placed[key] = point
                break
            seen.pop(int(np.argmax(apart)))
    return placed


def met(seen: Sequence[Sighted], key: Any) -> Array:
    """Where the rays of one corner meet, by least squares."""
    rows = []
    for one in seen:
        fx, fy, cx, cy = one.camera
        x, y = one.corners[key]
        p = np.asarray(one.pose)[:3]
        rows += [(x - cx) / fx * p[2] - p[0], (y - cy) / fy * p[2] - p[1]]
    point = np.linalg.svd(np.array(rows))[2][-1]
    return np.asarray(point[:3] / point[3])


def shown(one: Sighted, point: Array) -> Array:
    fx, fy, cx, cy = one.camera
    local = one.pose[:3, :3] @ point + one.pose[:3, 3]
    return np.array([local[0] / local[2] * fx + cx, local[1] / local[2] * fy + cy])
