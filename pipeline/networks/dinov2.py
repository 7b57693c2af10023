"""The DINOv2 vision transformer without registers (Oquab et al. 2023), under its published
state-dict keys.

Unlike the first DINO's (vit.py), its position embeddings are resized to an explicit size, and each
branch of a layer has a learned scale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.vit import SelfAttention, ViTConfig

LARGE = ViTConfig(hidden=1024, layers=24, heads=16, mlp=4096, patch=14, native=518, eps=1e-6)
# how transformers 5 spells what it wrote differently before, and files from then still do
NEWER = {
    "attention.q_proj.": "attention.attention.query.",
    "attention.k_proj.": "attention.attention.key.",
    "attention.v_proj.": "attention.attention.value.",
    "attention.o_proj.": "attention.output.dense.",
}


class DINOv2(nn.Module):
    """Normalised RGB images → tokens."""

    def __init__(self, config: ViTConfig = LARGE) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = nn.ModuleDict(
            {"layer": nn.ModuleList(Layer(config) for _ in range(config.layers))}
        )
        self.layernorm = nn.LayerNorm(config.hidden, eps=config.eps)

    def forward(self, images: Tensor) -> Tensor:
        """images [B,3,H,W], mean and deviation taken out → tokens [B, 1 + H/patch·W/patch, hidden],
        the class token first."""
        tokens = self.embeddings(images)
        for layer in self.encoder["layer"].children():
            tokens = layer(tokens)
        normed: Tensor = self.layernorm(tokens)
        return normed


class Embeddings(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.patch, self.side = config.patch, config.native // config.patch
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden))
        # part of the file; only its training used it
        self.mask_token = nn.Parameter(torch.zeros(1, config.hidden))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 1 + self.side**2, config.hidden))
        self.patch_embeddings = nn.ModuleDict(
            {"projection": nn.Conv2d(3, config.hidden, config.patch, stride=config.patch)}
        )

    def forward(self, images: Tensor) -> Tensor:
        """[B,3,H,W] → [B,1+N,hidden], patches row by row."""
        patches = self.patch_embeddings["projection"](images)
        rows, columns = patches.shape[2:]
        tokens = torch.cat(
            [self.cls_token.expand(len(images), -1, -1), patches.flatten(2).transpose(1, 2)], dim=1
        )
        return tokens + self.positions(rows, columns)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Position embeddings [1, 1 + rows·columns, hidden]."""
        if rows == columns == self.side:
            return self.position_embeddings
        first = self.position_embeddings[:, :1]
        grid = self.position_embeddings[:, 1:]
        grid = grid.reshape(1, self.side, self.side, -1).permute(0, 3, 1, 2).float()
        # A scale factor, or antialiasing, would place the samples elsewhere.
        grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([first, grid.flatten(2).transpose(1, 2).to(first)], dim=1)


class Layer(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.hidden, eps=config.eps)
        self.attention = SelfAttention(config)
        self.layer_scale1 = Scale(config.hidden)
        self.norm2 = nn.LayerNorm(config.hidden, eps=config.eps)
        self.mlp = nn.ModuleDict(
            {
                "fc1": nn.Linear(config.hidden, config.mlp),
                "fc2": nn.Linear(config.mlp, config.hidden),
            }
        )
        self.layer_scale2 = Scale(config.hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        """[B,N,hidden] → [B,N,hidden]."""
        tokens = tokens + self.layer_scale1(self.attention(self.norm1(tokens)))
        inner = F.gelu(self.mlp["fc1"](self.norm2(tokens)))
        out: Tensor = tokens + self.layer_scale2(self.mlp["fc2"](inner))
        return out


class Scale(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.lambda1 = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.lambda1


def published(name: str) -> str:
    """The published key of a tensor that a newer library may have written as NAME."""
    for newer, older in NEWER.items():
        name = name.replace(newer, older)
    return name
