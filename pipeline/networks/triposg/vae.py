"""The VAE: a set of latent tokens ↔ a surface, under its published state-dict keys.

Field frame: right-handed, y up, front +z, the box [-HALF, HALF]³.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pipeline.networks.triplane import in_chunks
from pipeline.networks.triposg.blocks import Block, KeysValues
from pipeline.networks.triposg.config import PUBLISHED_VAE, VAEConfig

HALF = 1.005  # half the edge of the box that the field is asked in
NORMAL = 3  # numbers of a normal, which follow an encoded point's features
LOG_VARIANCE = (-30.0, 20.0)  # between these it is kept


class VAE(nn.Module):
    def __init__(self, config: VAEConfig = PUBLISHED_VAE) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant = nn.Linear(config.encoder, 2 * config.channels)
        self.post_quant = nn.Linear(config.channels, config.decoder)

    def encode(self, surface: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """surface [B,N,6] of points and unit normals, indices CHOSEN [B,M] of those that become
        tokens → mean and log-variance of the latents [B,M,channels]."""
        features = embedded(surface[..., :3], self.config)
        rows = torch.cat([features, surface[..., 3:]], dim=-1)
        queries = rows.gather(1, chosen[..., None].expand(-1, -1, rows.shape[-1]))
        mean, spread = self.quant(self.encoder(queries, rows)).chunk(2, dim=-1)
        return mean, spread.clamp(*LOG_VARIANCE)

    def memory(self, latents: Tensor) -> KeysValues:
        """What every query of a field looks at, of latents [B,M,channels]; made once a shape."""
        hidden = self.post_quant(latents)
        *blocks, last = self.decoder.blocks
        for block in blocks:
            hidden = block(hidden)
        return last.attn2.look(hidden)  # type: ignore[operator, union-attr, no-any-return]

    def field(self, memory: KeysValues, points: Tensor, chunk: int = 8192) -> Tensor:
        """points [B,N,3] → [B,N], a logit of being inside: the surface lies at 0."""

        def evaluate(piece: Tensor) -> Tensor:
            values: Tensor = self.decoder(embedded(piece, self.config), memory)
            return values

        return in_chunks(evaluate, points, chunk)


class Encoder(nn.Module):
    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        width, heads = config.encoder, config.heads
        self.proj_in = nn.Linear(features(config) + NORMAL, width)
        first = Block(width, heads, itself=False, context=width, norms_context=True)
        others = (Block(width, heads) for _ in range(config.encoder_layers))
        self.blocks = nn.ModuleList([first, *others])
        self.norm_out = nn.LayerNorm(width)

    def forward(self, queries: Tensor, points: Tensor) -> Tensor:
        """Features [B,M,F] of the queries and [B,N,F] of all points → [B,M,width]."""
        first, *others = self.blocks
        seen = first.attn2.look(self.proj_in(points))  # type: ignore[operator, union-attr]
        x = first(self.proj_in(queries), seen)
        for block in others:
            x = block(x)
        out: Tensor = self.norm_out(x)
        return out


class Decoder(nn.Module):
    """Blocks over the latent tokens, and a last one in which points look at them."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        width, heads = config.decoder, config.heads
        blocks = (Block(width, heads) for _ in range(config.decoder_layers))
        last = Block(width, heads, itself=False, context=width, norms_context=True)
        self.blocks = nn.ModuleList([*blocks, last])
        self.proj_query = nn.Linear(features(config), width)
        self.norm_out = nn.LayerNorm(width)
        self.proj_out = nn.Linear(width, 1)

    def forward(self, points: Tensor, memory: KeysValues) -> Tensor:
        """Features [B,N,F] of points → [B,N], positive inside."""
        hidden = self.blocks[-1](self.proj_query(points), memory)
        outside: Tensor = self.proj_out(self.norm_out(hidden))[..., 0]
        return -outside


def features(config: VAEConfig) -> int:
    """How many numbers a point is embedded into."""
    return 3 + 3 * 2 * config.frequencies


def embedded(points: Tensor, config: VAEConfig) -> Tensor:
    """points […,3] → […,features]: the point, the sines of its multiples coordinate by coordinate,
    their cosines."""
    powers = 2.0 ** torch.arange(config.frequencies, dtype=points.dtype, device=points.device)
    powers = powers * math.pi if config.with_pi else powers
    angles = (points[..., None] * powers).flatten(-2)
    return torch.cat([points, angles.sin(), angles.cos()], dim=-1)
