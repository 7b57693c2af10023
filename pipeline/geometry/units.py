"""Units of length, and the map from a scan's frame to Y-up metres."""

from __future__ import annotations

import numpy as np

from pipeline.geometry.rigid import Array

METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0, "inch": 0.0254, "ft": 0.3048}


def to_metres(unit: str, up: Array, base: Array) -> Array:
    """4×4: common frame and unit → Y-up metres; ``up`` becomes +y and ``base`` the origin. A similarity, not rigid."""
    y = up / np.linalg.norm(up)
    aside = np.eye(3)[np.argmin(np.abs(y) + np.array([0.0, 0.002, 0.001]))]  # x where nothing speaks against it
    x = aside - y * (aside @ y)
    x /= np.linalg.norm(x)
    rotation = np.stack([x, y, np.cross(x, y)])
    frame = np.eye(4)
    frame[:3, :3] = METRES[unit] * rotation
    frame[:3, 3] = -METRES[unit] * rotation @ base
    return frame
