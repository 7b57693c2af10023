"""What a perfect result of a drop whose truth is known would say."""

from __future__ import annotations

from typing import Any

import numpy as np


def turn(degrees: float, shift: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """A rigid motion: a turn about z, then a shift."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    motion = np.eye(4)
    motion[:2, :2], motion[:3, 3] = [[c, -s], [s, c]], shift
    return motion


def result_of(truth: dict[str, Any], frame: np.ndarray | None = None) -> dict[str, Any]:
    """The scan.json of a perfect result whose common frame is FRAME away from the figure's."""
    frame = np.eye(4) if frame is None else frame
    return {
        "passes": [
            {"file": name, "pose": (frame @ np.asarray(told["pose"])).tolist()}
            for name, told in truth["passes"].items()
        ]
    }
