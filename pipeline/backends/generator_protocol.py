"""What makes views from a prompt: the protocol, and the shots that are asked for.

The settings keep the names of the service they come from: USE_IMAGE_STUB, FLUX_MODEL and
FLUX_BACKEND_URL in the environment, and FLUX_BACKEND_KEY where that service asks for a key.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

STUB, MODEL, URL, KEY = "USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL", "FLUX_BACKEND_KEY"
# every 45 degrees
SIDES = (
    "front",
    "front left",
    "left side",
    "back left",
    "back",
    "back right",
    "right side",
    "front right",
)
BACKGROUND = "plain light grey background, soft light, no shadow"
SIZE = 512  # pixels; a multiple of 16, as FLUX needs
SQUARE = (SIZE, SIZE)


class Shot(NamedTuple):
    """One view to be made."""

    azimuth: float
    prompt: str
    seed: int


@dataclass(frozen=True)
class Generated:
    """RGB pictures (height,width,3) uint8, one per shot, and where they come from; fov in degrees
    where the generator has a camera."""

    pictures: tuple[NDArray[Any], ...]
    source: str
    label: str | None = None
    fov: float | None = None
    models: tuple[str, ...] = ()  # whose weights made them
    notes: tuple[str, ...] = ()  # what the person should know


class Generator(Protocol):
    def generate(self, shots: Sequence[Shot], steps: int) -> Generated: ...


def shots(prompt: str, views: int, seed: int) -> list[Shot]:
    """VIEWS canonical shots of PROMPT, evenly around from the front; each seed is derived from the
    job's and the view's name."""
    made = []
    for k in range(views):
        azimuth = 360.0 * k / views
        side = SIDES[round(azimuth / 45) % 8]
        # first: the end is what a model's limit cuts
        words = f"{side} view of one whole object, centred, {BACKGROUND}: {prompt}"
        made.append(Shot(azimuth, words, seed_of(seed, azimuth)))
    return made


def seed_of(seed: int, azimuth: float) -> int:
    """The seed of one view of a set."""
    digest = hashlib.sha256(f"{seed}/{azimuth:03.0f}".encode()).digest()
    return int.from_bytes(digest[:4], "little") & 0x7FFFFFFF


def azimuth_of(prompt: str) -> float | None:
    """The azimuth of the side that PROMPT begins with, else names last ("left side view", "back
    left view"); None where it names none."""
    named = []
    for k, side in enumerate(SIDES):
        pattern = rf"\b{side.removesuffix(' side')}( side)? view\b"
        named += [
            (-found.end(), found.start(), 45.0 * k)
            for found in re.finditer(pattern, prompt.lower())
        ]
    first = [found for found in named if found[1] == 0]
    return min(first or named)[2] if named else None
