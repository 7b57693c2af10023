"""What makes views from a prompt: FLUX from a local folder, another host's service, or the placeholder. One factory.

The settings keep the names of the service they come from: USE_IMAGE_STUB, FLUX_MODEL and FLUX_BACKEND_URL in the environment.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from pipeline import models as files

SIDES = ("front", "front left", "left side", "back left", "back", "back right", "right side", "front right")  # every 45 degrees
SIZE = 512  # pixels; a multiple of 16, as FLUX needs


class Shot(NamedTuple):
    """One view to be made."""

    azimuth: float
    prompt: str
    seed: int


@dataclass(frozen=True)
class Generated:
    """RGB pictures (S,S,3) uint8, one per shot, and where they come from; fov in degrees where the generator has a camera."""

    pictures: tuple[NDArray[Any], ...]
    source: str
    label: str | None = None
    fov: float | None = None


class Generator(Protocol):
    def generate(self, shots: Sequence[Shot], steps: int) -> Generated: ...


def shots(prompt: str, views: int, seed: int) -> list[Shot]:
    """VIEWS canonical shots of PROMPT, evenly around from the front; each seed is derived from the job's and the view's name."""
    made = []
    for k in range(views):
        azimuth = 360.0 * k / views
        side = SIDES[round(azimuth / 45) % 8]
        words = f"{prompt}, {side} view, whole object, centred, plain light grey background, soft light, no shadow"
        digest = hashlib.sha256(f"{seed}/{azimuth:03.0f}".encode()).digest()
        made.append(Shot(azimuth, words, int.from_bytes(digest[:4], "little") & 0x7FFFFFFF))
    return made


def choose(models: Path | None, environment: Mapping[str, str] = os.environ) -> Generator:
    """The generator that settings and weights allow; without any, the placeholder."""
    from pipeline.backends.placeholder_views import PlaceholderViews

    if environment.get("USE_IMAGE_STUB", "").lower() in ("1", "true", "yes"):
        return PlaceholderViews()
    if url := environment.get("FLUX_BACKEND_URL"):
        from pipeline.backends.remote import RemoteViews

        return RemoteViews(url)
    name = f"flux-{environment.get('FLUX_MODEL', 'schnell').lower().rpartition('-')[2]}"
    if files.problem(models, name) is not None and "FLUX_MODEL" not in environment:
        return PlaceholderViews()
    from pipeline.backends.flux import Flux

    return Flux(files.require(models, name))
