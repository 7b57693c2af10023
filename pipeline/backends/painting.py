"""Colours for a shape that came without any: those of the picture that it was made of.

The picture is taken as seen from straight ahead, and as filled by the shape as by the object.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.protocol import Picture
from pipeline.backends.silhouettes import DISTANCE, colors, shot

FOV = 30.0  # degrees, where nobody knows the picture's
# the fact ``colours`` of a shape that was painted here: they serve where nothing knows better
GUESS = "the picture's, taken as seen from straight ahead"


def painted(points: NDArray[Any], faces: NDArray[Any], picture: Picture) -> NDArray[np.uint8]:
    """Colours (V,3) for the vertices POINTS (V,3) of a shape in the canonical frame, by the
    PICTURE of its front."""
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
    return colors(placed, faces, [view])
