"""The report's chapter of holes, and of places from which further passes would fill them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Gaps, Mesh
from pipeline.geometry import surface as surfaces
from pipeline.geometry.spread import spread
from pipeline.geometry.surface import Surface
from pipeline.geometry.units import METRES, as_matrix
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._cloud_picture import palette, picture
from pipeline.stages.finish._page import pictures, table
from pipeline.stages.finish._tables import lengths
from pipeline.workspace import Workspace

Array = NDArray[Any]
_CLAY = np.array([[188, 190, 196]], np.uint8)
_DRAWN = 150_000  # points of the surface
_REACHES = 0.55  # sizes that an arrow is drawn long, wherever the scanner would stand
_SIDES = ("from the front", "from behind", "from the left", "from the right")


def chapter(mesh: Mesh, gaps: Gaps, ws: Workspace, photographed: bool = False) -> str:
    """A table of holes, one of places, and two pictures in which arrows come from those places."""
    again = "More photos needed here" if photographed else "Rescan here"
    surface = surfaces.load(ws, mesh).transformed(as_matrix(mesh.frame))
    longest = float(np.ptp(surface.vertices, axis=0).max())
    rows = [
        (
            str(number),
            "closed without data" if hole.filled else "open",
            lengths(np.array([hole.width * METRES[mesh.unit]]), longest),
            _place(hole.centre, mesh),
        )
        for number, hole in enumerate(gaps.holes)
    ]
    holes = table(rows, ("Hole", "", "Width", "Where"), frozenset({2}))
    if not gaps.rescan:
        return holes
    told = [
        (
            f"{number + 1}. {_side(np.asarray(one.place) - np.asarray(one.aim), mesh)}",
            f"{int(100 * one.shows + 1e-6)}%",  # all is said of all alone, as the viewer says it
            ", ".join(map(str, one.holes)),
            _place(one.place, mesh),
            _place(one.aim, mesh),
        )
        for number, one in enumerate(gaps.rescan)
    ]
    head = (again, "Shows of what is missing", "Holes", "From", "Looking at")
    return _drawn(mesh, surface, gaps, again, ws) + table(told, head, frozenset({1})) + holes


def _place(place: tuple[float, ...], mesh: Mesh) -> str:
    """In the drop's own coordinates, as they stand in scan.json."""
    return ", ".join(f"{value + more:.4g}" for value, more in zip(place, mesh.origin, strict=True))


def _side(way: Array, mesh: Mesh) -> str:
    """Words for a direction, as one sees the model: +y is up, +z its front."""
    x, y, z = (as_matrix(mesh.frame)[:3, :3] @ way) / max(
        float(np.linalg.norm(way)) * METRES[mesh.unit], 1e-300
    )
    height = "from above" if y > 0.8 else "from below (turn it over)" if y < -0.5 else ""
    if abs(y) > 0.95:
        return height
    around = _SIDES[0 if z > abs(x) else 1 if -z > abs(x) else 2 if x < 0 else 3]
    return f"{around}, {height}" if height else around


def _drawn(mesh: Mesh, surface: Surface, gaps: Gaps, again: str, ws: Workspace) -> str:
    """SURFACE: Y up, in metres."""
    frame = as_matrix(mesh.frame)
    solid = spread(surface.vertices, surface.faces, _DRAWN)[0]
    arrows = [
        _arrow(_moved(one.place, frame), _moved(one.aim, frame), surface.size)
        for one in gaps.rescan
    ]
    points = np.concatenate([solid, *arrows])
    group = np.repeat(np.arange(len(arrows) + 1), [len(solid), *map(len, arrows)])
    colors = np.concatenate([_CLAY, palette(len(arrows))])
    shown = []
    for words, camera in ((again, Camera()), ("The same from behind", Camera(215.0, 22.0))):
        path = ws.path(f"report/rescan-{camera.azimuth:.0f}.webp")
        Image.fromarray(picture(points, group, colors, camera, 480)).save(
            path, quality=82, method=4
        )
        shown.append((words, path))
    return pictures(shown)


def _moved(place: tuple[float, ...], frame: Array) -> Array:
    return np.asarray(frame[:3, :3] @ np.asarray(place) + frame[:3, 3])


def _arrow(place: Array, aim: Array, size: float) -> Array:
    """Points of a rod that ends in a cone at AIM, and comes from PLACE."""
    way = place - aim
    along = way / max(float(np.linalg.norm(way)), 1e-300)
    across = np.linalg.svd(along[None])[2][1:]
    length = min(float(np.linalg.norm(way)), _REACHES * size)
    height, turn = np.meshgrid(np.linspace(0.0, length, 240), np.linspace(0, 2 * np.pi, 28))
    radius = np.where(height < 0.12 * size, 0.28 * height, 0.009 * size)
    ring = np.cos(turn)[..., None] * across[0] + np.sin(turn)[..., None] * across[1]
    return np.asarray((aim + height[..., None] * along + radius[..., None] * ring).reshape(-1, 3))
