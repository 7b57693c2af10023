"""The denoising of Zero123++ and the numbers around it. Modules and scheduler are diffusers'; here
are tensors only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pipeline.networks.zero123plus.reference import Reference

ROWS, COLUMNS = 3, 2
LATENT_SCALE, LATENT_SHIFT = 0.75, 0.22  # the UNet was trained on (latent - shift) * scale
IMAGE_SCALE = 0.5 / 0.8  # and its pictures were this much paler


def prompt_of(text: Tensor, picture: Tensor, ramp: Tensor) -> Tensor:
    """Embeddings of the empty prompt [1,T,D] and of the picture [1,D], weights per token [T] →
    prompts [2,T,D]: without it and with it."""
    return torch.cat([text, text + picture[:, None] * ramp[:, None]])


def denoised(
    unet: Any,
    scheduler: Any,
    reference: Reference,
    condition: Tensor,
    prompt: Tensor,
    shape: tuple[int, ...],
    steps: int,
    guidance: float,
    generator: torch.Generator,
    each: Callable[[float], None] = lambda share: None,
) -> Tensor:
    """Latents of SHAPE [1,C,H,W] in float32, from noise, STEPS times.

    condition [2,C,h,w]: latents of an empty picture and of the picture; prompt [2,T,D] likewise.
    Both halves see their own reference, as in the published pipeline. GENERATOR lives on the CPU,
    so that CPU and GPU begin with the same noise. EACH hears the share that is done.
    """
    device, kind = condition.device, unet.dtype

    def noise(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=generator).to(device)

    scheduler.set_timesteps(steps, device=device)
    latents: Tensor = noise(shape) * scheduler.init_noise_sigma
    for k, time in enumerate(scheduler.timesteps):
        seen = scheduler.scale_model_input(
            scheduler.add_noise(condition.float(), noise(tuple(condition.shape)), time[None]), time
        )
        with reference.note():
            unet(seen.to(kind), time, encoder_hidden_states=prompt)
        both = scheduler.scale_model_input(latents, time).expand(2, -1, -1, -1)
        without, along = (
            unet(both.to(kind), time, encoder_hidden_states=prompt).sample.float().chunk(2)
        )
        latents = scheduler.step(
            without + guidance * (along - without), time, latents, generator=generator
        ).prev_sample
        each((k + 1) / steps)
    return latents


def image_of(vae: Any, latents: Tensor) -> Tensor:
    """UNet latents [1,C,H,W] → RGB [1,3,8H,8W] in 0..1 (the factor is the VAE's)."""
    unscaled = (latents / LATENT_SCALE + LATENT_SHIFT) / vae.config.scaling_factor
    picture: Tensor = vae.decode(unscaled.to(vae.dtype)).sample.float() / IMAGE_SCALE
    return (picture / 2 + 0.5).clamp(0, 1)


def tiles(image: Tensor) -> Tensor:
    """[1,C,3·S,2·S] → the six views [6,C,S,S], row by row."""
    channels, height, width = image.shape[1:]
    rows = image[0].reshape(channels, ROWS, height // ROWS, COLUMNS, width // COLUMNS)
    return rows.permute(1, 3, 0, 2, 4).flatten(0, 1)
