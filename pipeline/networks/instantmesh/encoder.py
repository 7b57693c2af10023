"""The view encoder: a ViT whose layer norms are shifted and scaled by each view's camera."""

from __future__ import annotations

from torch import Tensor, nn

from pipeline.networks.vit import ViT, ViTConfig


class Encoder(nn.Module):
    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.model = ViT(config, modulated=True)
        self.camera_embedder = nn.Sequential(
            nn.Linear(16, config.hidden), nn.SiLU(), nn.Linear(config.hidden, config.hidden)
        )

    def forward(self, images: Tensor, cameras: Tensor) -> Tensor:
        """images [B,V,3,S,S] in 0..1, cameras [B,V,16] → tokens [B, V·(1+N), hidden]."""
        condition = self.camera_embedder(cameras)
        tokens = self.model(images.flatten(0, 1), condition.flatten(0, 1))
        joined: Tensor = tokens.unflatten(0, images.shape[:2]).flatten(1, 2)
        return joined
