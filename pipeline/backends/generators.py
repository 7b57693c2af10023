"""What makes views from a prompt: FLUX from a local folder, another host's service, or the placeholder. One factory.

The settings keep the names of the service they come from: USE_IMAGE_STUB, FLUX_MODEL and FLUX_BACKEND_URL in the environment, and
FLUX_BACKEND_KEY where that service asks for a key.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from numpy.typing import NDArray

from pipeline import models as files
from pipeline.errors import BackendUnavailable

STUB, MODEL, URL, KEY = "USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL", "FLUX_BACKEND_KEY"
MODELS = {"schnell": "flux-schnell", "dev": "flux-dev"}
SIDES = ("front", "front left", "left side", "back left", "back", "back right", "right side", "front right")  # every 45 degrees
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
    """RGB pictures (height,width,3) uint8, one per shot, and where they come from; fov in degrees where the generator has a camera."""

    pictures: tuple[NDArray[Any], ...]
    source: str
    label: str | None = None
    fov: float | None = None
    models: tuple[str, ...] = ()  # whose weights made them
    notes: tuple[str, ...] = ()  # what the person should know


class Generator(Protocol):
    def generate(self, shots: Sequence[Shot], steps: int) -> Generated: ...


def shots(prompt: str, views: int, seed: int) -> list[Shot]:
    """VIEWS canonical shots of PROMPT, evenly around from the front; each seed is derived from the job's and the view's name."""
    made = []
    for k in range(views):
        azimuth = 360.0 * k / views
        side = SIDES[round(azimuth / 45) % 8]
        words = f"{side} view of one whole object, centred, {BACKGROUND}: {prompt}"  # first: the end is what a model's limit cuts
        made.append(Shot(azimuth, words, seed_of(seed, azimuth)))
    return made


def seed_of(seed: int, azimuth: float) -> int:
    """The seed of one view of a set."""
    digest = hashlib.sha256(f"{seed}/{azimuth:03.0f}".encode()).digest()
    return int.from_bytes(digest[:4], "little") & 0x7FFFFFFF


def azimuth_of(prompt: str) -> float | None:
    """The azimuth of the side that PROMPT begins with, else names last ("left side view", "back left view"); None where it names none."""
    named = []
    for k, side in enumerate(SIDES):
        pattern = rf"\b{side.removesuffix(' side')}( side)? view\b"
        named += [(-found.end(), found.start(), 45.0 * k) for found in re.finditer(pattern, prompt.lower())]
    first = [found for found in named if found[1] == 0]
    return min(first or named)[2] if named else None


def chosen(models: Path | None, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """What settings and weights come to, nothing loaded: ("placeholder", ""), ("remote", its address) or ("flux", the model's name).

    BackendUnavailable names a setting that cannot be met, or what is wrong with the weights that are there.
    """
    if _yes(environment.get(STUB, "")):
        return "placeholder", ""
    if url := environment.get(URL):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise BackendUnavailable(f"{URL}: {url!r} is no http address.", remedy=f"For example {URL}=http://127.0.0.1:38001.")
        return "remote", url
    asked = environment.get(MODEL, "")
    name = MODELS.get(asked.lower().removeprefix("black-forest-labs/").removeprefix("flux.1-").removeprefix("flux-") or "schnell")
    if name is None:
        raise BackendUnavailable(f"{MODEL}: there is no model {asked!r}.", remedy="Name schnell or dev, or take the setting away.")
    if asked or (models is not None and (models / name).exists()):  # weights that are there and broken are no reason for a stand-in
        files.require(models, name)
        return "flux", name
    return "placeholder", ""


def choose(models: Path | None, environment: Mapping[str, str] = os.environ, size: tuple[int, int] = SQUARE) -> Generator:
    """The generator that settings and weights allow, for pictures of SIZE (width, height); without any, the placeholder."""
    kind, which = chosen(models, environment)
    if kind == "remote":
        from pipeline.backends.remote import RemoteViews

        return RemoteViews(which, environment.get(KEY, ""), size)
    if kind == "flux":
        from pipeline.backends.flux import Flux

        return Flux(files.require(models, which), size)
    from pipeline.backends.placeholder_views import PlaceholderViews

    return PlaceholderViews(size)


def _yes(text: str) -> bool:
    if text.lower() not in ("", "0", "1", "false", "true", "no", "yes"):
        raise BackendUnavailable(f"{STUB}: {text!r} is neither true nor false.", remedy=f"Set {STUB}=true, or take the setting away.")
    return text.lower() in ("1", "true", "yes")
