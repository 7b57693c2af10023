"""What each service makes: a request becomes the legs of a recipe, their artefacts become the
answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pydantic import BaseModel

from pipeline import weights
from pipeline.artefacts import Artefact, Dropped, Exported, Mesh, Shots, Views
from pipeline.backends.generator_protocol import BACKGROUND, azimuth_of, seed_of
from pipeline.errors import FormatUnavailable, SubmitRefused
from pipeline.gpu.device import writable_formats
from pipeline.kept import store
from pipeline.kept.store import Kept
from pipeline.recipes import RECIPES, Leg
from pipeline.services.answers import Answers, encoded
from pipeline.services.bodies import Clean, FromUrls, Generate, Imagine, Reconstruct
from pipeline.services.device import Device

EXPORT = Leg("finish", ("finish.export",))
Answer = dict[str, Any]


class Route(NamedTuple):
    rule: str
    body: type[BaseModel]
    make: Callable[[Any, Answers, Device], Answer]


def generate(asked: Generate, answers: Answers, device: Device) -> Answer:
    """POST /generate: the prompt as it stands. A side that it names ("left side view") is the
    picture's name."""
    shot = (azimuth_of(asked.prompt) or 0.0, asked.prompt, asked.seed or 0)
    made = _pictures([shot], (asked.width, asked.height), answers, device)
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
    return _pictures(shots, (asked.width, asked.height), answers, device)


def from_urls(asked: FromUrls, answers: Answers, device: Device) -> Answer:
    """POST /imagine/from-urls: fetched through the guard, cut out and brought to one size, as an
    images job does it."""
    request = {"kind": "images", "image_urls": asked.urls}
    with answers.open() as work:
        kept = _made(work, request, (RECIPES["images"].legs[0],), Dropped(names=()), device)
        return _shown(kept, work, answers)


def reconstruct(asked: Reconstruct, answers: Answers, device: Device) -> Answer:
    """POST /reconstruct/mesh: the pictures cut out, reconstructed and exported with the colours of
    their vertices."""
    _writable(asked.output_format)
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
        names = tuple(_unique(asked.image_paths))
        for path, name in zip(asked.image_paths, names, strict=True):
            answers.take(path, work, name)
        kept = _made(
            work, request, (*RECIPES["images"].legs[:2], EXPORT), Dropped(names=names), device
        )
        return _exported(kept, work, answers, asked.output_format)


def clean(asked: Clean, answers: Answers, device: Device) -> Answer:
    """POST /postprocess/clean: what a convert job does up to its export."""
    _writable(asked.output_format)
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
        return _exported(
            _made(work, request, (leg,), Dropped(names=(name,)), device),
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


# -- parts -------------------------------------------------------------------------------------
def _made(
    work: Path, request: Answer, legs: tuple[Leg, ...], first: Artefact, device: Device
) -> dict[type[Artefact], Any]:
    store.save(work, 0, Kept.of(work, "", first))
    return dict(store.newest(device.make(work, request, legs)))


def _pictures(
    shots: list[tuple[float, str, int]], size: tuple[int, int], answers: Answers, device: Device
) -> Answer:
    request = {"kind": "prompt", "prompt": shots[0][1][:2000]}
    with answers.open() as work:
        return _shown(
            _made(
                work,
                request,
                RECIPES["prompt"].legs[:1],
                Shots(shots=tuple(shots), size=size),
                device,
            ),
            work,
            answers,
        )


def _shown(kept: dict[type[Artefact], Any], work: Path, answers: Answers) -> Answer:
    views: Views = kept[Views]
    images = []
    for view in views.views:
        path = answers.keep(work, view.image)
        images.append(
            {
                "image_path": str(path),
                "image_b64": encoded(path),
                "azimuth": view.azimuth,
                "seed": view.seed,
            }
        )
    return {
        "images": images,
        "image_paths": [image["image_path"] for image in images],
        "placeholder": views.label == "placeholder",
    }


def _exported(kept: dict[type[Artefact], Any], work: Path, answers: Answers, wanted: str) -> Answer:
    mesh: Mesh = kept[Mesh]
    exported: Exported = kept[Exported]
    paths = [
        answers.keep(work, f"output/{name}")
        for name in exported.files_written
        if wanted == "glb" or name != "model.glb"
    ]
    facts = {
        "faces": mesh.faces,
        "watertight": mesh.watertight,
        "label": mesh.label,
        "reconstruction": mesh.reconstruction,
    }
    warnings = store.warnings(store.load(work))
    return {
        "mesh_path": str(paths[0]),
        "files": [str(path) for path in paths],
        **facts,
        "warnings": warnings,
        "placeholder": mesh.label == "placeholder",
    }


def _unique(paths: tuple[str, ...]) -> list[str]:
    """File names for PATHS, in their order; where two are alike their sides are not believed."""
    names = [PurePosixPath(path).name for path in paths]
    return (
        names
        if len({*names}) == len(names)
        else [f"picture-{k:02}{PurePosixPath(name).suffix}" for k, name in enumerate(names)]
    )


def _writable(name: str) -> None:
    if name not in writable_formats():
        raise FormatUnavailable(
            f"output_format: this host cannot write {name}.",
            remedy="`inbox3d doctor` names what to install.",
        )
