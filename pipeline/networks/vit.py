"""The DINO v1 vision transformer (ViT-B/16) that TripoSR and InstantMesh share, under its published
state-dict keys.

Owned here because position embeddings must be interpolated by scale factor, as the checkpoints were
trained with; libraries that interpolate to an explicit size load the same weights and give silently
different tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.attention import attend

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class ViTConfig:
    hidden: int = 768
    layers: int = 12
    heads: int = 12
    mlp: int = 3072
    patch: int = 16
    native: int = 224  # image edge the position embeddings were made for
    eps: float = 1e-12


class ViT(nn.Module):
    """RGB images → tokens. ``modulated`` adds the adaptive layer norms of InstantMesh, ``pooler``
    the unused head of TripoSR."""

    def __init__(self, config: ViTConfig, modulated: bool = False, pooler: bool = False) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict(
            {"layer": nn.ModuleList(Layer(config, modulated) for _ in range(config.layers))}
        )
        self.layernorm = nn.LayerNorm(config.hidden, eps=config.eps)
        if pooler:
            self.pooler = Dense(config.hidden, config.hidden)

    def forward(self, images: Tensor, condition: Tensor | None = None) -> Tensor:
        """images [B,3,H,W] in 0..1, condition [B,hidden] → tokens [B, 1 + H/patch·W/patch, hidden],
        the class token first."""
        tokens = self.embeddings(normalise(images))
        for layer in self.encoder["layer"].children():
            tokens = layer(tokens, condition)
        normed: Tensor = self.layernorm(tokens)
        return normed


def normalise(images: Tensor) -> Tensor:
    """[B,3,H,W] in 0..1 → the same with the ImageNet mean and standard deviation taken out."""
    mean = torch.tensor(MEAN, dtype=images.dtype, device=images.device).view(3, 1, 1)
    std = torch.tensor(STD, dtype=images.dtype, device=images.device).view(3, 1, 1)
    return (images - mean) / std


class Embeddings(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.patch, self.side = config.patch, config.native // config.patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 1 + self.side**2, config.hidden))
        self.patch_embeddings = nn.ModuleDict(
            {"projection": nn.Conv2d(3, config.hidden, config.patch, stride=config.patch)}
        )

    def forward(self, images: Tensor) -> Tensor:
        """[B,3,H,W] → [B,1+N,hidden], patches row by row."""
        patches = self.patch_embeddings["projection"](images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(len(images), -1, -1), patches], dim=1)
        return tokens + self.positions(images.shape[2], images.shape[3])

    def positions(self, height: int, width: int) -> Tensor:
        """Position embeddings [1,1+N,hidden] for an image of HEIGHT × WIDTH pixels."""
        rows, columns = height // self.patch, width // self.patch
        if rows == columns == self.side:
            return self.position_embeddings
        grid = (
            self.position_embeddings[:, 1:].reshape(1, self.side, self.side, -1).permute(0, 3, 1, 2)
        )
        # The factor, a tenth of a cell too large, also places the samples: passing size= instead
        # moves them and changes every token.
        factor = ((rows + 0.1) / self.side, (columns + 0.1) / self.side)
        grid = F.interpolate(grid, scale_factor=factor, mode="bicubic", align_corners=False)
        return torch.cat([self.position_embeddings[:, :1], grid.flatten(2).transpose(1, 2)], dim=1)


class Layer(nn.Module):
    """One pre-norm transformer layer; the condition shifts and scales both norms where there is
    one."""

    def __init__(self, config: ViTConfig, modulated: bool) -> None:
        super().__init__()
        self.attention = SelfAttention(config)
        self.intermediate = Dense(config.hidden, config.mlp)
        self.output = Dense(config.mlp, config.hidden)
        self.layernorm_before = nn.LayerNorm(config.hidden, eps=config.eps)
        self.layernorm_after = nn.LayerNorm(config.hidden, eps=config.eps)
        if modulated:
            self.adaLN_modulation = nn.Sequential(
                nn.SiLU(), nn.Linear(config.hidden, 4 * config.hidden)
            )

    def forward(self, tokens: Tensor, condition: Tensor | None = None) -> Tensor:
        """tokens [B,N,hidden], condition [B,hidden] → [B,N,hidden]."""
        before, after = self.layernorm_before, self.layernorm_after
        if condition is None:
            tokens = tokens + self.attention(before(tokens))
            plain: Tensor = tokens + self.output(F.gelu(self.intermediate(after(tokens))))
            return plain
        shift_a, scale_a, shift_m, scale_m = self.adaLN_modulation(condition)[:, None].chunk(
            4, dim=-1
        )
        tokens = tokens + self.attention(before(tokens) * (1 + scale_a) + shift_a)
        shifted: Tensor = tokens + self.output(
            F.gelu(self.intermediate(after(tokens) * (1 + scale_m) + shift_m))
        )
        return shifted


class SelfAttention(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.attention = nn.ModuleDict(
            {name: nn.Linear(config.hidden, config.hidden) for name in ("query", "key", "value")}
        )
        self.output = Dense(config.hidden, config.hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = (self.attention[name](tokens) for name in ("query", "key", "value"))
        mixed: Tensor = self.output(attend(query, key, value, self.heads))
        return mixed


class Dense(nn.Module):
    """A linear layer under the key ``dense``."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dense(x)
        return y
