"""generate_views: a sentence becomes canonical views of one object."""

from __future__ import annotations

from pipeline.artefacts import Dropped, Shots, View, Views
from pipeline.backends import generator_protocol, generators
from pipeline.backends.generator_protocol import Shot
from pipeline.errors import InputRejected
from pipeline.kept.options import GenerateViews
from pipeline.weights import fingerprint
from pipeline.workspace import StageWorkspace

LONGEST = 2000  # characters of a prompt


def run(dropped: Dropped | None, asked: Shots | None, ws: StageWorkspace[GenerateViews]) -> Views:
    """Returns options.view_count pictures, evenly around at elevation 0 on a plain background,
    front first.

    The prompt is options.prompt, else the text of the dropped file. Seeds derive from options.seed
    and stand in the result. What a service was ASKED for is made as it stands. Where no weights are
    there the views are labelled placeholder. Raises InputRejected without a prompt,
    BackendUnavailable where settings name a model or service that cannot be used, OutOfGpuMemory
    (library: diffusers, for FLUX).
    """
    from PIL import Image

    options, size = ws.options, asked.size if asked else generator_protocol.SQUARE
    if asked:
        shots = [Shot(*shot) for shot in asked.shots]
    else:
        text = _prompt(dropped, ws)
        shots = generator_protocol.shots(text, options.view_count, options.seed)
    ws.progress(0.1, f"generating {len(shots)} views")
    made = generators.choose(ws.models, size=size).generate(shots, options.steps)
    views = []
    for shot, picture in zip(shots, made.pictures, strict=True):
        name = f"views/raw/{shot.azimuth:03.0f}.png"
        Image.fromarray(picture).save(ws.path(name), compress_level=1)
        views.append(
            View(image=name, azimuth=shot.azimuth, fov=made.fov, source=made.source, seed=shot.seed)
        )
    for note in made.notes:
        ws.warn(note)
    if made.label:
        ws.warn(
            "Placeholder: the views show a stand-in, because no FLUX weights are installed or"
            " USE_IMAGE_STUB is set."
        )
    elif len(shots) > 1:
        ws.warn("Views generated from a prompt agree with each other only roughly.")
    return Views(
        views=tuple(views),
        label=made.label,
        models={name: fingerprint(ws.models, name) for name in made.models},
    )


def weights(ws: StageWorkspace[GenerateViews]) -> dict[str, str]:
    """FLUX's, where it is FLUX on this host that draws."""
    kind, name = generators.chosen(ws.models)
    return {name: fingerprint(ws.models, name)} if kind == "flux" else {}


def _prompt(dropped: Dropped | None, ws: StageWorkspace[GenerateViews]) -> str:
    text = ws.options.prompt.strip()
    for name in dropped.names if dropped and not text else ():
        text = (ws.input / name).read_text(encoding="utf-8", errors="replace").strip()
        if len(text) > LONGEST:
            raise InputRejected(
                f"{name} has {len(text)} characters; a prompt has {LONGEST} at most.",
                remedy="Shorten it and drop it again.",
            )
        if text:
            break
    if not text:
        raise InputRejected(
            "There is no prompt.", remedy="Write what to make into prompt.txt and drop it again."
        )
    return " ".join(text.split())
