"""The flow's network: noisy latent tokens, a time and image tokens → a velocity, under its
published state-dict keys."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.triposg.blocks import Block, KeysValues
from pipeline.networks.triposg.config import PUBLISHED, TransformerConfig

LONGEST = 10_000.0  # wavelength of the slowest time feature, over 2 pi


class Transformer(nn.Module):
    """A U of blocks: each of the second half begins with what its opposite of the first half
    gave."""

    def __init__(self, config: TransformerConfig = PUBLISHED) -> None:
        super().__init__()
        self.config = config
        width, middle = config.width, config.layers // 2
        self.time_proj = nn.ModuleDict(
            {
                "linear_1": nn.Linear(width, 4 * width),
                "linear_2": nn.Linear(4 * width, width),
            }
        )
        self.proj_in = nn.Linear(config.channels, width)
        self.blocks = nn.ModuleList(
            Block(width, config.heads, context=config.context, rms=True, skip=k > middle)
            for k in range(config.layers)
        )
        self.norm_out = nn.LayerNorm(width)
        self.proj_out = nn.Linear(width, config.channels)

    def look(self, tokens: Tensor) -> list[KeysValues]:
        """What each block sees of image tokens [B,T,context]; the same in every step."""
        return [block.attn2.look(tokens) for block in self.blocks]  # type: ignore[operator, union-attr]

    def forward(self, latents: Tensor, times: Tensor, seen: Sequence[KeysValues]) -> Tensor:
        """latents [B,M,channels], times [B] in units of the schedule, what is SEEN → velocity
        [B,M,channels], from noise towards data.

        Where fewer than B see something, it is the last of them; the first are unconditional.
        """
        x = torch.cat([self.time_token(times)[:, None], self.proj_in(latents)], dim=1)
        middle = self.config.layers // 2
        kept: list[Tensor] = []
        for k, block in enumerate(self.blocks):
            x = block(x, seen[k], kept.pop() if k > middle else None)
            if k < middle:
                kept.append(x)
        velocity: Tensor = self.proj_out(self.norm_out(x)[:, 1:])
        return velocity

    def time_token(self, times: Tensor) -> Tensor:
        """times [B] → [B,width]."""
        features = time_features(times, self.config.width).to(self.proj_in.weight.dtype)
        inner = F.gelu(self.time_proj["linear_1"](features))
        token: Tensor = self.time_proj["linear_2"](inner)
        return token


def time_features(times: Tensor, width: int) -> Tensor:
    """times [B] → [B,width] in float32: sines, then cosines."""
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=times.device)
    angles = times.float()[:, None] * torch.exp(-math.log(LONGEST) * steps / half)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
