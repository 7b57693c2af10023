"""Units, axes and shares. Inside: metres, Y up, front +Z. A drop's own unit and axes are mapped
there by a 4×4 ``frame``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0, "inch": 0.0254, "ft": 0.3048, "us-ft": 1200 / 3937}
# as files spell them
UNIT_NAMES = {
    "millimeter": "mm",
    "millimeters": "mm",
    "centimeter": "cm",
    "centimeters": "cm",
    "meter": "m",
    "meters": "m",
    "inch": "inch",
    "inches": "inch",
    "foot": "ft",
    "feet": "ft",
    "mm": "mm",
    "cm": "cm",
    "m": "m",
    "ft": "ft",
}

Z_UP_TO_Y_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def axis(name: str) -> NDArray[np.float64]:
    """The unit vector of "x", "-x", "y" …"""
    vector: NDArray[np.float64] = np.eye(3)["xyz".index(name[-1])] * (
        -1.0 if name[0] == "-" else 1.0
    )
    return vector


def frame_for(unit: str, up: str, front: str | None = None) -> tuple[tuple[float, ...], ...]:
    """4×4 from coordinates in UNIT with UP ("y", "-z" …) to Y-up metres. FRONT, or the side that is
    usual for that up (a Z-up object's front is its -Y side), comes to +Z."""
    facing = None if front is None else axis(front)
    return as_rows(to_metres(unit, axis(up), np.zeros(3), facing))


def as_rows(matrix: NDArray[Any]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) + 0.0 for value in row) for row in np.asarray(matrix))


def as_matrix(rows: Any) -> NDArray[np.float64]:
    """4×4 array of an artefact's matrix; None is the identity."""
    return np.eye(4) if rows is None else np.asarray(rows, dtype=np.float64)


def print_space() -> NDArray[np.float64]:
    """4×4 from Y-up metres to Z-up millimetres, where slicers live."""
    matrix: NDArray[np.float64] = np.diag([1000.0, 1000, 1000, 1]) @ Z_UP_TO_Y_UP.T
    return matrix


def to_metres(
    unit: str,
    up: NDArray[np.float64],
    base: NDArray[np.float64],
    front: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """4×4: common frame and unit → Y-up metres; ``up`` becomes +y, ``front``, as far as it is
    level, +z, and ``base`` the origin. A similarity, not rigid."""
    y = up / np.linalg.norm(up)
    if front is None:  # x where nothing speaks against it
        aside = np.eye(3)[np.argmin(np.abs(y) + np.array([0.0, 0.002, 0.001]))]
    else:
        aside = np.cross(y, front)
    x = aside - y * (aside @ y)
    x /= np.linalg.norm(x)
    rotation = np.stack([x, y, np.cross(x, y)])
    frame = np.eye(4)
    frame[:3, :3] = METRES[unit] * rotation
    frame[:3, 3] = -METRES[unit] * rotation @ base
    return frame


def percent(share: float) -> str:
    """A share of 0…1 in whole percent, rounded down: only what is perfect is 100%."""
    return f"{math.floor(100 * share + 1e-9)}%"
