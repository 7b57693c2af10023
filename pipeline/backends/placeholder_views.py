"""Views of a stand-in object in a colour that the prompt names, or one derived from it. They say so
everywhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.generator_protocol import SQUARE, Generated, Shot

FOV, DISTANCE, HALF = 30.0, 4.0, 0.42
COLOURS = {
    "red": (200, 40, 35),
    "green": (50, 150, 60),
    "blue": (45, 80, 190),
    "yellow": (230, 200, 50),
    "orange": (230, 130, 40),
    "purple": (130, 60, 160),
    "pink": (230, 130, 170),
    "brown": (120, 80, 50),
    "black": (40, 40, 40),
    "white": (245, 245, 245),
}


class PlaceholderViews:
    """A cube with a marked front, rendered by ray casting; SIZE is width and height in pixels."""

    def __init__(self, size: tuple[int, int] = SQUARE) -> None:
        self.size = size

    def generate(self, shots: Sequence[Shot], steps: int) -> Generated:
        return Generated(
            tuple(_picture(shot, *self.size) for shot in shots), "placeholder", "placeholder", FOV
        )


def _picture(shot: Shot, width: int, height: int) -> NDArray[np.uint8]:
    """The cube seen from the shot's azimuth at elevation 0, on light grey; FOV is that of the
    shorter edge."""
    angle = np.radians(shot.azimuth)
    back, right, up = (
        np.array([np.sin(angle), 0, np.cos(angle)]),
        np.array([np.cos(angle), 0, -np.sin(angle)]),
        np.array([0.0, 1, 0]),
    )
    x, y = (
        ((np.arange(n) + 0.5) * 2 - n) / min(width, height) * np.tan(np.radians(FOV) / 2)
        for n in (width, height)
    )
    rays = x[None, :, None] * right - y[:, None, None] * up - back
    rays = np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    a, b = (-HALF - DISTANCE * back) / rays, (HALF - DISTANCE * back) / rays
    near, far = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
    point = DISTANCE * back + near[..., None] * rays
    face = np.abs(point).argmax(axis=-1)
    shade = np.array([0.8, 0.9, 1.0])[face]
    marked = (
        (face == 2) & (point[..., 2] > 0) & (np.hypot(point[..., 0], point[..., 1]) < 0.5 * HALF)
    )
    shade = np.where(marked, 0.6, shade)
    picture = np.full((height, width, 3), 215.0)
    hit = near < far
    picture[hit] = shade[hit][:, None] * np.array(colour(shot.prompt))
    return picture.astype(np.uint8)


def colour(prompt: str) -> tuple[Any, ...]:
    """The first colour PROMPT names; else one derived from its words, those about the view
    aside."""
    named = [COLOURS[word] for word in re.findall(r"[a-z]+", prompt.lower()) if word in COLOURS]
    digest = hashlib.sha256(prompt.rpartition(": ")[2].split(", ")[0].encode()).digest()
    return named[0] if named else tuple(60 + byte % 120 for byte in digest[:3])
