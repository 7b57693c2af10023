"""InstantMesh (Xu et al. 2024) under its published state-dict keys, without the checkpoints'
``lrm_generator.`` prefix.

Field frame: right-handed, z up, the object's front facing +x; the planes cover [-1,1]³, points
outside get zero features.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.instantmesh.encoder import Encoder
from pipeline.networks.instantmesh.transformer import TriplaneTransformer
from pipeline.networks.triplane import Axes, in_chunks, sample_planes
from pipeline.networks.vit import ViTConfig

AXES: Axes = ((0, 1), (0, 2), (2, 1))
PREFIX = "lrm_generator."


@dataclass(frozen=True)
class InstantMeshConfig:
    """The published sizes of the large mesh variant; base has 12 layers and 40 features."""

    vit: ViTConfig = field(default_factory=ViTConfig)
    surface: Literal["mesh", "nerf"] = "mesh"
    image: int = 320
    width: int = 1024
    layers: int = 16
    heads: int = 16
    low: int = 32  # edge of the token planes; the field's planes are twice as fine
    features: int = 80
    grid: int = 128  # cubes along an edge of the FlexiCubes grid
    scale: float = 2.1  # edge of that grid in field units
    threshold: float = 10.0  # density at the surface of the NeRF variant


class InstantMesh(nn.Module):
    def __init__(self, config: InstantMeshConfig = InstantMeshConfig()) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config.vit)
        self.transformer = TriplaneTransformer(
            config.width,
            config.layers,
            config.heads,
            config.vit.hidden,
            config.low,
            config.features,
        )
        decoder = MeshDecoder if config.surface == "mesh" else NerfDecoder
        self.synthesizer = nn.ModuleDict({"decoder": decoder(3 * config.features)})

    def forward(self, images: Tensor, cameras: Tensor) -> Tensor:
        """images [B,V,3,S,S] in 0..1 on white, cameras [B,V,16] → planes
        [B,3,features,2·low,2·low]."""
        planes: Tensor = self.transformer(self.encoder(images, cameras))
        return planes

    def _evaluate(self, head: str, planes: Tensor, points: Tensor, chunk: int) -> Tensor:
        net: nn.Module = getattr(self.synthesizer["decoder"], head)
        return in_chunks(lambda piece: net(sample_planes(planes, piece, AXES)), points, chunk)

    def sdf(self, planes: Tensor, points: Tensor, chunk: int = 65536) -> Tensor:
        """planes [B,3,F,H,W], points [B,N,3] → signed distance [B,N], negative inside (mesh
        variant)."""
        return self._evaluate("net_sdf", planes, points, chunk)[..., 0]

    def deformation(self, planes: Tensor, points: Tensor, chunk: int = 65536) -> Tensor:
        """[B,N,3] → raw grid deformation [B,N,3]; the displacement is tanh(raw) / (4·grid) (mesh
        variant)."""
        return self._evaluate("net_deformation", planes, points, chunk)

    def weight(self, planes: Tensor, corners: Tensor, chunk: int = 4096) -> Tensor:
        """corners [B,K,8,3] of K cubes → raw FlexiCubes weights [B,K,21]; CHUNK cubes at once (mesh
        variant)."""
        net: nn.Module = getattr(self.synthesizer["decoder"], "net_weight")  # noqa: B009

        def evaluate(piece: Tensor) -> Tensor:
            features = sample_planes(planes, piece.flatten(1, 2), AXES)
            values: Tensor = net(features.reshape(*piece.shape[:2], -1)) * 0.1
            return values

        return in_chunks(evaluate, corners, chunk)

    def color(self, planes: Tensor, points: Tensor, chunk: int = 65536) -> Tensor:
        """[B,N,3] → RGB [B,N,3], 0..1 with the published margin of 0.001."""
        raw = (
            self._evaluate("net", planes, points, chunk)[..., 1:]
            if self.nerf
            else self._evaluate("net_rgb", planes, points, chunk)
        )
        return torch.sigmoid(raw) * 1.002 - 0.001

    def density(self, planes: Tensor, points: Tensor, chunk: int = 65536) -> Tensor:
        """[B,N,3] → density [B,N], above ``threshold`` inside (NeRF variant)."""
        return F.softplus(self._evaluate("net", planes, points, chunk)[..., 0] - 1)

    @property
    def nerf(self) -> bool:
        return self.config.surface == "nerf"


class MeshDecoder(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.net_sdf = mlp(features, 1)
        self.net_rgb = mlp(features, 3)
        self.net_deformation = mlp(features, 3)
        self.net_weight = mlp(8 * features, 21)


class NerfDecoder(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.net = mlp(features, 4)


def mlp(inputs: int, outputs: int, width: int = 64) -> nn.Sequential:
    """Four linear layers with ReLU between them."""
    widths = [inputs, width, width, width]
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Linear(width, outputs))
