"""Rectified flow: from noise along the network's velocity to data, in even steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.networks.triposg.blocks import KeysValues
from pipeline.networks.triposg.config import Flow

GUIDANCE = 7.0  # as published
TOKENS = 2048  # as published; the networks take any number
# (latents [B,M,C] in float32, time) → velocity [B,M,C] in float32
Velocity = Callable[[Tensor, float], Tensor]


def noise_levels(steps: int, flow: Flow) -> list[float]:
    """STEPS levels from 1 downwards, each what float32 makes of it, and 0."""
    level = 1 - np.arange(steps, dtype=np.float64) / steps
    shifted = flow.shift * level / (1 + (flow.shift - 1) * level)
    return [*map(float, shifted.astype(np.float32)), 0.0]


def noise(tokens: int, channels: int, seed: int) -> Tensor:
    """[1,tokens,channels] in float32, the same on every machine: it is drawn on the CPU."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn(1, tokens, channels, generator=generator)


def sampled(
    velocity: Velocity,
    start: Tensor,
    steps: int,
    flow: Flow,
    each: Callable[[int, Tensor], None] = lambda k, latents: None,
) -> Tensor:
    """Latents [B,M,C] from noise START; EACH hears how many steps are done, and where they led."""
    levels, latents = noise_levels(steps, flow), start
    for k in range(steps):
        time = flow.trained_steps * levels[k]
        # the network tells the way to the data, so it is added while the noise level falls
        latents = latents + (levels[k] - levels[k + 1]) * velocity(latents, time)
        each(k + 1, latents)
    return latents


def blind(seen: Sequence[KeysValues]) -> list[KeysValues]:
    """What is SEEN by nobody: of the kind that the network takes, for no object."""
    return [KeysValues(keys[:0], values[:0]) for keys, values in seen]


def guided(
    network: Callable[[Tensor, Tensor, Sequence[KeysValues]], Tensor],
    seen: Sequence[KeysValues],
    guidance: float = GUIDANCE,
    together: bool = True,
) -> Velocity:
    """The velocity of NETWORK (transformer.py), away from what it would do unseeing; in one batch
    of two halves, or in less memory one half after the other."""
    kind = seen[0].keys.dtype

    def velocity(latents: Tensor, time: float) -> Tensor:
        x = latents.to(kind)
        times = torch.full((len(x),), time, dtype=torch.float32, device=x.device)
        if guidance <= 1:
            return network(x, times, seen).float()
        if together:
            both = network(torch.cat([x, x]), torch.cat([times, times]), seen)
            without, within = both.float().chunk(2)
        else:
            without, within = (network(x, times, what).float() for what in (blind(seen), seen))
        return without + guidance * (within - without)

    return velocity
