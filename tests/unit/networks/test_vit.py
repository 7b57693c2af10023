"""The vision transformer interpolates positions as its checkpoints were trained with."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pipeline.networks.vit import Embeddings, ViTConfig

CONFIG = ViTConfig(hidden=8, layers=1, heads=2, mlp=16, patch=8, native=56)


def embeddings() -> Embeddings:
    torch.manual_seed(0)
    made = Embeddings(CONFIG).requires_grad_(False)
    made.position_embeddings.normal_()
    return made


def test_at_the_native_size_positions_are_used_as_they_are() -> None:
    made = embeddings()
    assert made.positions(56, 56) is made.position_embeddings


def test_elsewhere_they_are_interpolated_by_scale_factor_not_to_a_size() -> None:
    made = embeddings()
    positions = made.positions(128, 128)
    assert positions.shape == (1, 1 + 16 * 16, 8)
    grid = made.position_embeddings[:, 1:].reshape(1, 7, 7, 8).permute(0, 3, 1, 2)
    to_size = (
        F.interpolate(grid, size=(16, 16), mode="bicubic", align_corners=False)
        .flatten(2)
        .transpose(1, 2)
    )
    assert (positions[:, 1:] - to_size).abs().max() > 1e-2
    assert torch.equal(positions[:, :1], made.position_embeddings[:, :1])
