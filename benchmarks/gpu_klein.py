"""FLUX.2 klein's rows: a prompt's picture and a side after three references, in half precision
beside the same network in float32. What the text encoder says is random: it is a small share of the
work."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.gpu_measured import Row, beside, measured
from benchmarks.gpu_sizes import Sizes
from pipeline.gpu import fast

WAYS = {"float32, eager": torch.float32, "bfloat16, eager": torch.bfloat16}


def klein(sizes: Sizes, device: str, rounds: int) -> list[Row]:
    """A prompt by the distilled weights' few steps, without guidance; a side by the base's many,
    with guidance, after depth, photo and neighbour."""
    fast.exact_products()
    rows: dict[tuple[bool, str], Row] = {}
    exact: dict[bool, Any] = {}
    for way, kind in WAYS.items():
        pipe = _pipe(sizes, device, kind)
        for side in (False, True):
            picture = _picture(pipe, sizes, side)
            wanted = exact.setdefault(side, picture)
            off = float(np.abs(picture - wanted).max())

            def work(pipe: Any = pipe, side: bool = side, off: float = off) -> str:
                _picture(pipe, sizes, side)
                steps, edge = sizes.klein.side if side else sizes.klein.prompt
                return f"{steps} steps, {edge}², off by {off:.1e} of the range"

            name = "FLUX.2 klein base, a side" if side else "FLUX.2 klein, a prompt"
            rows[side, way] = measured(name, way, work, rounds)
        del pipe
        gc.collect()
    return [row for side in (False, True) for row in beside([rows[side, way] for way in WAYS])]


def _pipe(sizes: Sizes, device: str, kind: torch.dtype) -> Any:
    """The pipeline without text encoder; the same random numbers whatever their KIND."""
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )

    torch.manual_seed(0)
    with torch.device(device):
        transformer = Flux2Transformer2DModel(**sizes.klein.transformer).to(kind)
        vae = AutoencoderKLFlux2(**sizes.klein.vae).to(kind)
    pipe = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae.eval(),
        transformer=transformer.eval(),
        text_encoder=None,
        tokenizer=None,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


@torch.inference_mode()
def _picture(pipe: Any, sizes: Sizes, side: bool) -> Any:
    steps, edge = sizes.klein.side if side else sizes.klein.prompt
    network = pipe.transformer
    draw = torch.Generator("cpu").manual_seed(1)
    shape = (1, sizes.klein.words, network.config.joint_attention_dim)
    words, none = (
        torch.randn(shape, generator=draw).to(network.device, network.dtype) for _ in "ab"
    )
    references = [Image.new("RGB", (edge, edge), (60 * k, 128, 200)) for k in range(3)]
    return pipe(
        prompt_embeds=words,
        negative_prompt_embeds=none,
        image=references if side else None,
        width=edge,
        height=edge,
        num_inference_steps=steps,
        guidance_scale=4.0 if side else 1.0,
        generator=torch.Generator("cpu").manual_seed(2),
        output_type="np",
    ).images[0]
