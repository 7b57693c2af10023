"""What each service makes: a request becomes the legs of a recipe, their artefacts become the
answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pydantic import BaseModel

from pipeline import weights
from pipeline.artefacts import Dropped
from pipeline.backends.generator_protocol import BACKGROUND, azimuth_of, seed_of
from pipeline.errors import SubmitRefused
from pipeline.recipes import RECIPES, Leg
from pipeline.services.answers import Answers
from pipeline.services.bodies import Clean, FromUrls, Generate, Imagine, Reconstruct
from pipeline.services.device import Device
from pipeline.services.results import (
    Answer,
    exported,
    made_by,
    pictures_of,
    shown,
    unique,
    writable,
)

EXPORT = Leg("finish", ("finish.export",))


class Route(NamedTuple):
    rule: str
    body: type[BaseModel]
    make: Callable[[Any, Answers, Device], Answer]


def generate(asked: Generate, answers: Answers, device: Device) -> Answer:
    """POST /generate: the prompt as it stands. A side that it names ("left side view") is the
    picture's name."""
    shot = (azimuth_of(asked.prompt) or 0.0, asked.prompt, asked.seed or 0)
    made = pictures_of([shot], (asked.width, asked.height), answers, device)
    return {
        **made["images"][0],
        "width": asked.width,
        "height": asked.height,
        "placeholder": made["placeholder"],
    }


def imagine(asked: Imagine, answers: Answers, device: Device) -> Answer:
    """POST /imagine/generate: a picture per prompt on a neutral background; without sides in the
    prompts they are evenly spaced."""
    count, sides = (
        len(asked.prompts),
        [side for prompt in asked.prompts if (side := azimuth_of(prompt)) is not None],
    )
    azimuths = sides if len({*sides}) == count else [360.0 * k / count for k in range(count)]
    pairs = zip(azimuths, asked.prompts, strict=True)
    shots = [
        (azimuth, f"{prompt}, {BACKGROUND}", seed_of(asked.seed or 0, azimuth))
        for azimuth, prompt in pairs
    ]
    return pictures_of(shots, (asked.width, asked.height), answers, device)


def from_urls(asked: FromUrls, answers: Answers, device: Device) -> Answer:
    """POST /imagine/from-urls: fetched through the guard, cut out and brought to one size, as an
    images job does it."""
    request = {"kind": "images", "image_urls": asked.urls}
    with answers.open() as work:
        kept = made_by(work, request, (RECIPES["images"].legs[0],), Dropped(names=()), device)
        return shown(kept, work, answers)


def reconstruct(asked: Reconstruct, answers: Answers, device: Device) -> Answer:
    """POST /reconstruct/mesh: the pictures cut out, reconstructed and exported with the colours of
    their vertices."""
    writable(asked.output_format)
    able = ("auto", *weights.backends(device.models))
    if asked.backend not in able:
        raise SubmitRefused(
            f"backend: this service has no {asked.backend}.",
            remedy=f"Ask for one of {', '.join(able)}.",
        )
    request = {
        "kind": "images",
        "output_format": asked.output_format,
        "backend": asked.backend,
        "quality_tier": asked.quality_tier,
        "seed": asked.seed or 0,
        "texture": False,
    }
    with answers.open() as work:
        names = tuple(unique(asked.image_paths))
        for path, name in zip(asked.image_paths, names, strict=True):
            answers.take(path, work, name)
        kept = made_by(
            work, request, (*RECIPES["images"].legs[:2], EXPORT), Dropped(names=names), device
        )
        return exported(kept, work, answers, asked.output_format)


def clean(asked: Clean, answers: Answers, device: Device) -> Answer:
    """POST /postprocess/clean: what a convert job does up to its export."""
    writable(asked.output_format)
    stages = RECIPES["convert"].legs[0].stages
    leg = Leg(
        "finish",
        tuple(
            stage
            for stage in stages[: stages.index("finish.export") + 1]
            if stage != "finish.assist"
        ),
    )
    request = {
        "kind": "convert",
        "output_format": asked.output_format,
        "quality_tier": asked.quality_tier,
    }
    with answers.open() as work:
        name = PurePosixPath(asked.mesh_path).name
        answers.take(asked.mesh_path, work, name)
        return exported(
            made_by(work, request, (leg,), Dropped(names=(name,)), device),
            work,
            answers,
            asked.output_format,
        )


ROUTES: dict[str, tuple[Route, ...]] = {
    "views": (
        Route("/generate", Generate, generate),
        Route("/imagine/generate", Imagine, imagine),
        Route("/imagine/from-urls", FromUrls, from_urls),
    ),
    "mesh": (Route("/reconstruct/mesh", Reconstruct, reconstruct),),
    "finish": (Route("/postprocess/clean", Clean, clean),),
}  # fmt: skip
