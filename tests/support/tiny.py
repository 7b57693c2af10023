"""Tiny networks with random weights: real code, real files, a few kilobytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig
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


def _drawn(network: Any) -> Any:
    """Give the parameters that begin as zeros something to say."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.3)
    return network.requires_grad_(False)
