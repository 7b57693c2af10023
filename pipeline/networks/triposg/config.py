"""Sizes of TripoSG's parts: the published ones, and how their config.json tells them.

Names of classes in these files are not looked at, and keys that mean nothing here are passed over;
a value that asks for something else than is built is a ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pipeline.networks.vit import ViTConfig

TRAINED_STEPS = 1000


@dataclass(frozen=True)
class TransformerConfig:
    width: int = 2048
    layers: int = 21
    heads: int = 16
    channels: int = 64  # of a latent token
    context: int = 1024  # width of an image token

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From the content of transformer/config.json."""
        if said.get("use_cross_attention_2"):
            raise ValueError("it has a second cross-attention, which is another model's")
        return cls(
            width=said["width"],
            layers=said["num_layers"],
            heads=said["num_attention_heads"],
            channels=said["in_channels"],
            context=said["cross_attention_dim"],
        )


@dataclass(frozen=True)
class VAEConfig:
    channels: int = 64  # of a latent token
    heads: int = 8
    encoder: int = 512  # width
    encoder_layers: int = 8
    decoder: int = 1024  # width
    decoder_layers: int = 16
    frequencies: int = 8
    with_pi: bool = False  # frequencies are multiples of pi

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From the content of vae/config.json."""
        if said.get("embedding_type", "frequency") != "frequency":
            raise ValueError(f"points are embedded by {said['embedding_type']!r}, not by frequency")
        return cls(
            channels=said["latent_channels"],
            heads=said["num_attention_heads"],
            encoder=said["width_encoder"],
            encoder_layers=said["num_layers_encoder"],
            decoder=said["width_decoder"],
            decoder_layers=said["num_layers_decoder"],
            frequencies=said["embed_frequency"],
            with_pi=said["embed_include_pi"],
        )


@dataclass(frozen=True)
class Flow:
    """The schedule: how its noise levels are shifted, and the unit of time."""

    shift: float = 1.0
    trained_steps: int = TRAINED_STEPS

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Self:
        """From the content of scheduler/scheduler_config.json."""
        if said.get("use_dynamic_shifting"):
            raise ValueError("its schedule shifts by the number of tokens, which is not supported")
        return cls(said.get("shift", 1.0), said.get("num_train_timesteps", TRAINED_STEPS))


PUBLISHED = TransformerConfig()
PUBLISHED_VAE = VAEConfig()


def eye(said: Mapping[str, Any]) -> ViTConfig:
    """The image encoder of image_encoder_dinov2/config.json."""
    hidden = said["hidden_size"]
    return ViTConfig(
        hidden=hidden,
        layers=said["num_hidden_layers"],
        heads=said["num_attention_heads"],
        mlp=int(hidden * said.get("mlp_ratio", 4)),
        patch=said["patch_size"],
        native=said["image_size"],
        eps=said.get("layer_norm_eps", 1e-6),
    )
