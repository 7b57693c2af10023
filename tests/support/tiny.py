"""Tiny networks with random weights: real code, real files, a few kilobytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from pipeline.networks.dinov2 import DINOv2
from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig
from pipeline.networks.triposg import VAE, Transformer, TransformerConfig, VAEConfig, config
from pipeline.networks.triposr import TripoSR, TripoSRConfig
from pipeline.networks.vit import ViTConfig
from pipeline.weights import loading

VIT = ViTConfig(hidden=24, layers=1, heads=2, mlp=48, patch=8, native=32)
TRIPOSR = TripoSRConfig(
    vit=VIT,
    image=64,
    plane=4,
    channels=32,
    heads=2,
    head=16,
    layers=1,
    features=4,
    neurons=8,
    hidden=2,
    threshold=0.4,
)
INSTANTMESH = InstantMeshConfig(
    vit=VIT, image=32, width=32, layers=1, heads=2, low=4, features=4, grid=24
)


def triposr(models: Path, name: str = "triposr") -> TripoSR:
    """A TripoSR saved as models/NAME."""
    torch.manual_seed(3)
    network = _drawn(TripoSR(TRIPOSR))
    loading.save(models / name, network, "triposr")
    return network


def instantmesh(models: Path, name: str = "instantmesh-large") -> InstantMesh:
    """An InstantMesh saved as models/NAME."""
    torch.manual_seed(4)
    network = _drawn(InstantMesh(INSTANTMESH))
    loading.save(models / name, network, "instantmesh")
    return network


TRIPOSG: dict[str, dict[str, Any]] = {
    "transformer": {
        "_class_name": "TripoSGDiTModel", "width": 32, "num_layers": 5, "num_attention_heads": 2, "in_channels": 4, "cross_attention_dim": 24,
    },
    "vae": {
        "_class_name": "Tripo2VAEModel", "in_channels": 3, "latent_channels": 4, "num_attention_heads": 2, "width_encoder": 16, "width_decoder": 32,
        "num_layers_encoder": 1, "num_layers_decoder": 2, "embedding_type": "frequency", "embed_frequency": 2, "embed_include_pi": False,
    },
    "image_encoder_dinov2": {
        "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "mlp_ratio": 4, "image_size": 28, "patch_size": 14, "layer_norm_eps": 1e-6,
    },
    "scheduler": {"num_train_timesteps": 1000, "shift": 1.0, "use_dynamic_shifting": False},
    "feature_extractor_dinov2": {
        "size": {"shortest_edge": 64}, "crop_size": {"height": 56, "width": 56}, "resample": 3,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    },
}  # fmt: skip
TRIPOSG_INDEX = {
    "_class_name": "TripoSGPipeline",
    "transformer": ["triposg_transformer", "TripoSGDiTModel"],
    "vae": ["autoencoder_kl_triposg", "TripoSGVAEModel"],
    "image_encoder_dinov2": ["transformers", "Dinov2Model"],
    "scheduler": ["scheduling_rectified_flow", "RectifiedFlowScheduler"],
    "feature_extractor_dinov2": ["transformers", "BitImageProcessor"],
}  # fmt: skip


def triposg_parts() -> dict[str, torch.nn.Module]:
    """The three networks of a TripoSG, drawn."""
    torch.manual_seed(5)
    return {
        "transformer": _drawn(Transformer(TransformerConfig.of(TRIPOSG["transformer"]))),
        "vae": _drawn(VAE(VAEConfig.of(TRIPOSG["vae"]))),
        "image_encoder_dinov2": _drawn(DINOv2(config.eye(TRIPOSG["image_encoder_dinov2"]))),
    }


def triposg(models: Path, name: str = "triposg") -> Path:
    """A TripoSG as it is published, as models/NAME: a folder of parts."""
    folder = models / name
    for part, said in TRIPOSG.items():
        (folder / part).mkdir(parents=True)
        small = {"scheduler": "scheduler_config.json", "feature_extractor_dinov2": "preprocessor_config.json"}  # fmt: skip
        (folder / part / small.get(part, "config.json")).write_text(json.dumps(said))
    for part, network in triposg_parts().items():
        stem = "model" if part == "image_encoder_dinov2" else "diffusion_pytorch_model"
        save_file(network.state_dict(), folder / part / f"{stem}.safetensors")
    (folder / "model_index.json").write_text(json.dumps(TRIPOSG_INDEX))
    return folder


def _drawn(network: Any) -> Any:
    """Give the parameters that begin as zeros something to say."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)
    return network.requires_grad_(False)
