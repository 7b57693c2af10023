"""Sizes of the networks: the published ones, and tiny ones for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from pipeline.backends import klein, sides
from pipeline.jobs.common import TIERS
from pipeline.networks.dinov2 import LARGE
from pipeline.networks.instantmesh import InstantMeshConfig
from pipeline.networks.triposg import TransformerConfig, VAEConfig, config
from pipeline.networks.triposr import TripoSRConfig
from pipeline.networks.vit import ViTConfig
from tests.support import tiny, tinyklein

CHUNK = 131_072


class TripoSG(NamedTuple):
    """tiers: steps, and points along the grid's edge; picture: the edge that the eye sees."""

    eye: ViTConfig
    transformer: TransformerConfig
    vae: VAEConfig
    tokens: int
    picture: int
    tiers: dict[str, tuple[int, int]]


class Klein(NamedTuple):
    """FLUX.2 klein: steps, and pixels of a picture's edge, of a prompt and of a side; words: tokens
    of a prompt."""

    transformer: dict[str, Any]
    vae: dict[str, Any]
    words: int
    prompt: tuple[int, int]
    side: tuple[int, int]


class Sizes(NamedTuple):
    """What is measured: the published sizes, or tiny ones."""

    triposr: TripoSRConfig
    triposg: TripoSG
    instantmesh: InstantMeshConfig
    grid: int
    flux: dict[str, Any]
    vae: dict[str, Any]
    picture: int
    views: int
    klein: Klein


VAE = {
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "shift_factor": 0.1159,
    "scaling_factor": 0.3611,
}
PUBLISHED = Sizes(
    TripoSRConfig(),
    TripoSG(
        LARGE,
        TransformerConfig(),
        VAEConfig(),
        2048,
        224,
        {name: (tier.flow, tier.grid) for name, tier in TIERS.items()},
    ),
    InstantMeshConfig(),
    256,
    {"guidance_embeds": False},
    VAE
    | {
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "latent_channels": 16,
    },
    1024,
    4,
    Klein(
        {
            "num_layers": 5,
            "num_single_layers": 20,
            "num_attention_heads": 24,
            "joint_attention_dim": 7680,
            "guidance_embeds": False,
        },
        {},
        klein.MOST,
        (4, 512),
        (sides.STEPS, sides.EDGE),
    ),
)
TINY = Sizes(
    replace(tiny.TRIPOSR, threshold=TripoSRConfig().threshold),
    TripoSG(
        config.eye(tiny.TRIPOSG["image_encoder_dinov2"]),
        TransformerConfig.of(tiny.TRIPOSG["transformer"]),
        VAEConfig.of(tiny.TRIPOSG["vae"]),
        24,
        56,
        {"standard": (2, 32), "high": (3, 48)},
    ),
    replace(tiny.INSTANTMESH, grid=16),
    98,
    {
        "patch_size": 1,
        "in_channels": 16,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 32,
        "pooled_projection_dim": 32,
        "guidance_embeds": False,
        "axes_dims_rope": (4, 4, 8),
    },
    VAE
    | {
        "block_out_channels": (8, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
    },
    64,
    2,
    Klein(tinyklein.TRANSFORMER, tinyklein.VAE, 8, (1, 64), (2, 64)),
)
