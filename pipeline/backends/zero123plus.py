"""Zero123++ v1.2 from a local folder: one picture → the six views that InstantMesh wants
(libraries: diffusers, transformers).

The weights are CC-BY-NC 4.0: they are used where somebody put them, and never bundled. The
published pipeline is code in the model's repository, which is not run; what it does is done here,
see docs/adr/0011.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline import weights as files
from pipeline.backends import Effort, Picture, components, hot, memory
from pipeline.backends.grounds import normalised, on_ground, on_white
from pipeline.errors import BackendUnavailable
from pipeline.networks.instantmesh.cameras import AZIMUTHS, ELEVATIONS, FOV
from pipeline.networks.triposr.image import crop_and_pad
from pipeline.networks.zero123plus import Reference, denoised, image_of, prompt_of, tiles

# the best first; grey level of the background that each was trained on
GROUNDS = {"zero123plus-white": 255, "zero123plus": 127}
PARTS = ("vae", "unet", "scheduler", "text_encoder", "tokenizer", "vision_encoder")
STEPS, GUIDANCE = 75, 4.0  # as InstantMesh was published with
TILE = 320  # pixels
SIZE = 6 << 30  # bytes of the model in half precision
ROOM = 24 << 30  # bytes that must be free beside the loaded model for it to stay loaded


class Model(NamedTuple):
    """What a folder holds; pixels is where preprocessor_config.json tells sizes and colour
    normalisation of both eyes."""

    parts: dict[str, Any]
    reference: Reference
    ramp: Tensor
    pixels: dict[str, dict[str, Any]]


def present(models: Path | None) -> str | None:
    """The model to use, or None where there is none."""
    return next((name for name in GROUNDS if files.problem(models, name) is None), None)


def six(picture: Picture, models: Path | None, effort: Effort) -> list[Picture]:
    """The object of PICTURE from six cameras, azimuths counted on from the picture's own; opaque on
    white, TILE pixels, fov 30.

    The same picture, seed and machine give the same views. BackendUnavailable names what is missing
    or does not load; OutOfGpuMemory.
    """
    name = present(models) or "zero123plus"
    folder, ground = files.require(models, name), GROUNDS[name]

    def run(_: int) -> Tensor:
        with torch.inference_mode():
            return _grid(
                hot.hold(
                    "zero123plus",
                    (str(folder), memory.device(), files.stamp(folder)),
                    lambda: _load(folder),
                    SIZE,
                ),
                picture,
                ground,
                effort,
            )

    try:
        grid = memory.halving(run, 1)
    finally:
        if memory.free() < ROOM:
            hot.forget("zero123plus")
    views = (tiles(grid) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    cameras = zip(AZIMUTHS, ELEVATIONS, views, strict=True)
    return [
        _view((picture.azimuth + azimuth) % 360, elevation, on_white(rgb, ground))
        for azimuth, elevation, rgb in cameras
    ]


def _view(azimuth: float, elevation: float, rgb: NDArray[Any]) -> Picture:
    return Picture(
        f"{azimuth:03.0f}",
        np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]),
        azimuth,
        elevation,
        FOV,
    )


def _load(folder: Path) -> Model:
    from diffusers import EulerAncestralDiscreteScheduler
    from diffusers.models.attention_processor import AttnProcessor2_0

    kind = torch.float16 if memory.device() == "cuda" else torch.float32
    parts = components.load(folder, PARTS, kind)
    try:
        ramp = torch.tensor(
            json.loads((folder / files.INDEX).read_text())["ramping_coefficients"], dtype=kind
        )
        eyes = ("feature_extractor_vae", "feature_extractor_clip")
        pixels = {
            eye: json.loads((folder / eye / "preprocessor_config.json").read_text()) for eye in eyes
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendUnavailable(
            f"Model {folder.name} does not load: {error}", remedy=files.remedy(folder.name)
        ) from None
    parts["scheduler"] = EulerAncestralDiscreteScheduler.from_config(
        parts["scheduler"].config, timestep_spacing="trailing"
    )
    for name in ("vae", "unet", "text_encoder", "vision_encoder"):
        parts[name].to(memory.device())
    return Model(
        parts, Reference(parts["unet"], AttnProcessor2_0()), ramp.to(memory.device()), pixels
    )


def _grid(model: Model, picture: Picture, ground: int, effort: Effort) -> Tensor:
    """The six views as one RGB image [1,3,3·TILE,2·TILE] in 0..1, on the CPU."""
    parts, generator = model.parts, torch.Generator("cpu").manual_seed(effort.seed)
    vae, unet = parts["vae"], parts["unet"]
    seen = on_ground(crop_and_pad(picture.rgba), ground)
    pixels = normalised(seen, **model.pixels["feature_extractor_vae"]).to(vae.device, vae.dtype)
    # As published, condition latents are not multiplied by the VAE's scaling factor.
    condition = torch.cat(
        [vae.encode(x).latent_dist.sample(generator) for x in (torch.zeros_like(pixels), pixels)]
    )
    eye = parts["vision_encoder"]
    known = eye(
        normalised(seen, **model.pixels["feature_extractor_clip"]).to(eye.device, eye.dtype)
    ).image_embeds
    prompt = prompt_of(_nothing(parts).to(known), known, model.ramp)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    shape = (1, unet.config.in_channels, 3 * TILE // factor, 2 * TILE // factor)

    def each(share: float) -> None:
        effort.progress(0.05 + 0.5 * share, "drawing six views of it")

    latents = denoised(
        unet,
        parts["scheduler"],
        model.reference,
        condition,
        prompt,
        shape,
        STEPS,
        GUIDANCE,
        generator,
        each,
    )
    return image_of(vae, latents).cpu()


def _nothing(parts: dict[str, Any]) -> Tensor:
    """What the text encoder says of an empty prompt [1,T,D]."""
    tokenizer, encoder = parts["tokenizer"], parts["text_encoder"]
    words = tokenizer(
        "",
        padding="max_length",
        max_length=tokenizer.model_max_length,
        truncation=True,
        return_tensors="pt",
    )
    said: Tensor = encoder(words.input_ids.to(encoder.device))[0]
    return said
