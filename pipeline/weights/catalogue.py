"""The published models that we know: where they are, what they weigh, under which licence, and
which revision was looked at."""

from __future__ import annotations

from typing import Any, NamedTuple

ALWAYS = ("visual-hull", "placeholder")  # backends that need no weights
WEIGHTS, FACTS, INDEX = "model.safetensors", "model.json", "model_index.json"
# the folder for a network that cuts objects out of pictures, an .onnx file; no model of the
# catalogue
MATTING = "matting"


class Known(NamedTuple):
    """A published model. ``file`` and ``prefix`` say where its tensors are; ``sizes`` are what
    differs from the network's defaults."""

    name: str
    network: str  # triposr, instantmesh, triposg, diffusers, or lora for what is merged into one
    hub: str
    revision: str  # the commit that `pull` asks for
    licence: str
    gigabytes: float | None  # to fetch, 10⁹ bytes
    memory: str  # of the GPU, for people
    gated: bool = False  # the licence is accepted on the model's page, and a token tells who did
    file: str = ""
    sha256: str | None = None  # of ``file`` as published, where it is known
    prefix: str = ""
    sizes: dict[str, Any] = {}  # noqa: RUF012
    entries: tuple[str, ...] = ()  # what model_index.json of a diffusers folder must name
    pipeline: str = ""  # the class that it must be made for, where others have the same parts
    distilled: bool | None = None  # what it must say of itself: made for few steps, or not


FLUX = (
    "transformer",
    "vae",
    "text_encoder",
    "text_encoder_2",
    "tokenizer",
    "tokenizer_2",
    "scheduler",
)
KLEIN = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
ZERO123PLUS = (
    "unet",
    "vae",
    "text_encoder",
    "tokenizer",
    "vision_encoder",
    "scheduler",
    "feature_extractor_vae",
    "feature_extractor_clip",
    "ramping_coefficients",
)
TRIPOSG = (
    "transformer",
    "vae",
    "image_encoder_dinov2",
    "scheduler",
    "feature_extractor_dinov2",
)
FLUX_MEMORY = "36 GB, or 24 GB part by part; with less it is slow"
KLEIN_MEMORY = "20 GB, or 13 GB part by part; with less it is slow"
NEWEST = "main"
DOWNLOADS = ".download"  # below the models folder: what is being fetched, kept until it is whole

TRIPOSR = Known(
    "triposr",
    "triposr",
    "stabilityai/TripoSR",
    "5b521936b01fbe1890f6f9baed0254ab6351c04a",
    "MIT",
    1.68,
    "6 GB",
    file="model.ckpt",
    sha256="429e2c6b22a0923967459de24d67f05962b235f79cde6b032aa7ed2ffcd970ee",
)


def _instantmesh(surface: str, size: str, gigabytes: float, sha256: str | None = None) -> Known:
    layers, features = {"large": (16, 80), "base": (12, 40)}[size]
    return Known(
        f"instant{surface}-{size}",
        "instantmesh",
        "TencentARC/InstantMesh",
        "b785b4ecfb6636ef34a08c748f96f6a5686244d0",
        "Apache-2.0",
        gigabytes,
        "8 GB",
        file=f"instant_{surface}_{size}.ckpt",
        sha256=sha256,
        prefix="lrm_generator.",
        sizes={"surface": surface, "layers": layers, "features": features},
    )


def _klein(name: str, hub: str, distilled: bool) -> Known:
    return Known(
        name,
        "diffusers",
        hub,
        NEWEST,
        "Apache-2.0",
        None,
        KLEIN_MEMORY,
        entries=KLEIN,
        pipeline="Flux2KleinPipeline",
        distilled=distilled,
    )


KNOWN: dict[str, Known] = {
    known.name: known
    for known in (
        TRIPOSR,
        Known(
            "triposg",
            "triposg",
            "VAST-AI/TripoSG",
            NEWEST,
            "MIT, second-hand",  # the hub's tag, as others quote it; the repository says nothing
            7.95,
            "8 GB",
            entries=TRIPOSG,
        ),
        _instantmesh("mesh", "large", 1.51),
        _instantmesh(
            "mesh", "base", 1.25, "22701cd25201d624ebb1568b93cf91b43a2c32006835c08fe73e1f3c9f6c44b5"
        ),
        _instantmesh("nerf", "large", 1.51),
        _instantmesh("nerf", "base", 1.25),
        Known(
            "flux-schnell",
            "diffusers",
            "black-forest-labs/FLUX.1-schnell",
            "741f7c3ce8b383c54771c7003378a50191e9efe9",
            "Apache-2.0",
            33.7,
            FLUX_MEMORY,
            gated=True,
            entries=FLUX,
            pipeline="FluxPipeline",
        ),
        Known(
            "flux-dev",
            "diffusers",
            "black-forest-labs/FLUX.1-dev",
            "3de623fc3c33e44ffbe2bad470d0f45bccf2eb21",
            "FLUX.1-dev non-commercial",
            33.7,
            FLUX_MEMORY,
            gated=True,
            entries=FLUX,
            pipeline="FluxPipeline",
        ),
        _klein("flux2-klein", "black-forest-labs/FLUX.2-klein-4B", distilled=True),
        _klein("flux2-klein-base", "black-forest-labs/FLUX.2-klein-base-4B", distilled=False),
        Known(
            "flux2-klein-depth",
            "lora",
            "thedeoxen/refcontrol-FLUX.2-klein-4B-reference-depth-lora",
            "0ae1ef7f9acc4e55ec2237360943c3c3032d3583",
            "Apache-2.0, second-hand",  # as others read the hub's tag
            0.09,
            "that of flux2-klein-base, which it is merged into",
            file="flux2_klein_4b_refcontrol_depth.safetensors",
            sha256="65ec4c71fa7538b2201481928609a5836773f0dc06a4041b2d28abd05826c401",
        ),
        Known(
            "zero123plus",
            "diffusers",
            "sudo-ai/zero123plus-v1.2",
            "2da07e89919e1a130c9b5add1584c70c7aa065fd",
            "CC-BY-NC-4.0",
            None,
            "not measured",
            entries=ZERO123PLUS,
        ),
        Known(
            "zero123plus-white",
            "diffusers",
            "dylanebert/zero123plus-instantmesh",
            NEWEST,
            "CC-BY-NC-4.0",
            None,
            "not measured",
            entries=ZERO123PLUS,
        ),
    )
}


def remedy(name: str) -> str:
    """How a host comes by the model NAME."""
    return (
        f"Run `inbox3d models pull {name}`, or `inbox3d models import PATH --name {name}` on a host"
        " without internet (docs/models.md)."
    )


def size(count: float) -> str:
    """COUNT bytes for people: 33.7 GB, 12 kB."""
    power = next((power for power in range(3) if count < 1000 ** (power + 1)), 3)
    return f"{count / 1000**power:.{max(0, power - 1)}f} {('bytes', 'kB', 'MB', 'GB')[power]}"
