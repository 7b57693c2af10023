"""TripoSR (Tochilkin et al. 2024) under its published state-dict keys.

Field frame: right-handed, z up, the object's front facing +x, the box [-radius, radius]³.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pipeline.networks.triplane import Axes, in_chunks, sample_planes
from pipeline.networks.triposr.backbone import Backbone
from pipeline.networks.vit import ViT, ViTConfig

AXES: Axes = ((0, 1), (0, 2), (1, 2))


@dataclass(frozen=True)
class TripoSRConfig:
    """The published sizes; tests build smaller ones."""

    vit: ViTConfig = field(default_factory=ViTConfig)
    image: int = 512  # edge of the conditioning image
    plane: int = 32  # edge of the token planes; the field's planes are twice as fine
    channels: int = 1024
    heads: int = 16
    head: int = 64
    layers: int = 16
    features: int = 40  # channels of the field's planes
    neurons: int = 64
    hidden: int = 9  # activations of the decoder
    radius: float = 0.87
    density_bias: float = -1.0
    threshold: float = 25.0  # density at the surface


class TripoSR(nn.Module):
    def __init__(self, config: TripoSRConfig = TripoSRConfig()) -> None:
        super().__init__()
        self.config = config
        self.image_tokenizer = nn.ModuleDict({"model": ViT(config.vit, pooler=True)})
        self.tokenizer = PlaneTokens(config.plane, config.channels)
        self.backbone = Backbone(
            config.channels, config.heads, config.head, config.layers, config.vit.hidden
        )
        self.post_processor = nn.ModuleDict(
            {"upsample": nn.ConvTranspose2d(config.channels, config.features, 2, stride=2)}
        )
        self.decoder = Decoder(3 * config.features, config.neurons, config.hidden)

    def forward(self, images: Tensor) -> Tensor:
        """RGB images [B,3,S,S] in 0..1 → planes [B,3,features,2·plane,2·plane]."""
        context = self.image_tokenizer["model"](images)
        planes = self.backbone(self.tokenizer(len(images)), context)
        side = self.config.plane
        planes = planes.reshape(len(images), -1, 3, side, side).transpose(1, 2)
        upsampled: Tensor = self.post_processor["upsample"](planes.flatten(0, 1)).unflatten(
            0, (-1, 3)
        )
        return upsampled

    def raw(self, planes: Tensor, points: Tensor, chunk: int = 8192) -> Tensor:
        """planes [B,3,F,H,W], points [B,N,3] in the field frame → [B,N,4]: density and RGB before
        their activations."""
        radius = self.config.radius

        def evaluate(piece: Tensor) -> Tensor:
            inside = (piece + radius) / (2 * radius) * 2 - 1
            values: Tensor = self.decoder(sample_planes(planes, inside, AXES))
            return values

        return in_chunks(evaluate, points, chunk)

    def density(self, planes: Tensor, points: Tensor, chunk: int = 8192) -> Tensor:
        """[B,N,3] → density [B,N], above ``threshold`` inside the object."""
        return torch.exp(self.raw(planes, points, chunk)[..., 0] + self.config.density_bias)

    def color(self, planes: Tensor, points: Tensor, chunk: int = 8192) -> Tensor:
        """[B,N,3] → RGB [B,N,3] in 0..1."""
        return torch.sigmoid(self.raw(planes, points, chunk)[..., 1:])


class PlaneTokens(nn.Module):
    def __init__(self, side: int, channels: int) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.zeros(3, channels, side, side))

    def forward(self, batch: int) -> Tensor:
        """→ [batch, channels, 3·side·side]; token = plane·side² + row·side + column."""
        return self.embeddings.transpose(0, 1).flatten(1).expand(batch, -1, -1)


class Decoder(nn.Module):
    def __init__(self, inputs: int, width: int, hidden: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(hidden):
            layers += [nn.Linear(inputs if i == 0 else width, width), nn.SiLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, 4))

    def forward(self, features: Tensor) -> Tensor:
        """[…,inputs] → […,4]."""
        out: Tensor = self.layers(features)
        return out
