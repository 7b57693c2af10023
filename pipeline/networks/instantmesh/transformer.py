"""The triplane transformer of InstantMesh: cross-attention first, packed self-attention second, no
attention biases."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.attention import attend


class TriplaneTransformer(nn.Module):
    def __init__(
        self, width: int, layers: int, heads: int, context: int, low: int, features: int
    ) -> None:
        super().__init__()
        self.low = low
        self.pos_embed = nn.Parameter(torch.zeros(1, 3 * low * low, width))
        self.layers = nn.ModuleList(Block(width, heads, context) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.deconv = nn.ConvTranspose2d(width, features, 2, stride=2)

    def forward(self, context: Tensor) -> Tensor:
        """image tokens [B,M,context] → planes [B,3,features,2·low,2·low]."""
        tokens = self.pos_embed.expand(len(context), -1, -1)
        for layer in self.layers:
            tokens = layer(tokens, context)
        planes = (
            self.norm(tokens)
            .reshape(len(context), 3, self.low, self.low, -1)
            .permute(0, 1, 4, 2, 3)
        )
        upsampled: Tensor = self.deconv(planes.flatten(0, 1)).unflatten(0, (-1, 3))
        return upsampled


class Block(nn.Module):
    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn = CrossAttention(width, heads, context)
        self.norm2 = nn.LayerNorm(width)
        self.self_attn = SelfAttention(width, heads)
        self.norm3 = nn.LayerNorm(width)
        # The published keys are mlp.0 and mlp.3: places 2 and 4 were dropouts.
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Identity(),
            nn.Linear(4 * width, width),
            nn.Identity(),
        )

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """tokens [B,N,width], context [B,M,context] → [B,N,width]."""
        tokens = tokens + self.cross_attn(self.norm1(tokens), context)
        tokens = tokens + self.self_attn(self.norm2(tokens))
        out: Tensor = tokens + self.mlp(self.norm3(tokens))
        return out


class CrossAttention(nn.Module):
    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj_weight = nn.Parameter(torch.zeros(width, width))
        self.k_proj_weight = nn.Parameter(torch.zeros(width, context))
        self.v_proj_weight = nn.Parameter(torch.zeros(width, context))
        self.out_proj = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        query = F.linear(tokens, self.q_proj_weight)
        key, value = F.linear(context, self.k_proj_weight), F.linear(context, self.v_proj_weight)
        out: Tensor = self.out_proj(attend(query, key, value, self.heads))
        return out


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.out_proj = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = F.linear(tokens, self.in_proj_weight).chunk(3, dim=-1)
        out: Tensor = self.out_proj(attend(query, key, value, self.heads))
        return out
