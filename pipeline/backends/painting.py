"""Colours for a shape that came without any: those of the picture that it was made of.

The picture is taken as seen from straight ahead, and as filled by the shape as by the object.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.protocol import Picture
from pipeline.backends.silhouettes import DISTANCE, colors, shot

FOV = 30.0  # degrees, where nobody knows the picture's
GUESSED = (
    "The shape came without colours. Its front has those of the picture, taken as seen from"
    " straight ahead; where the picture does not see it, the nearest that it does are a guess."
)


class Painted(NamedTuple):
    """colors (V,3) uint8; facts for the report; what the person should know."""

    colors: NDArray[np.uint8]
    facts: dict[str, Any]
    notes: tuple[str, ...]


def painted(points: NDArray[Any], faces: NDArray[Any], picture: Picture) -> Painted:
    """Colours for the vertices POINTS (V,3) of a shape in the canonical frame, by the PICTURE of
    its front."""
    view = shot(picture._replace(azimuth=0.0, elevation=0.0), picture.fov or FOV)
    rows, columns = np.nonzero(picture.rgba[..., 3] > 127)
    low = np.array([columns.min(), rows.min()])
    high = np.array([columns.max() + 1, rows.max() + 1])
    metre = view.focal / DISTANCE  # pixels, in the plane through the object's middle
    extent = np.ptp(points[:, :2], axis=0)
    scale = (high - low).max() / metre / max(float(extent.max()), 1e-9)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    centre = ((low + high) / 2 - len(picture.rgba) / 2) / metre * [1, -1]
    placed = (points - middle) * scale + [*centre, 0.0]
    made = colors(placed, faces, [view])
    return Painted(made, {"colours": "the picture, from straight ahead"}, (GUESSED,))
