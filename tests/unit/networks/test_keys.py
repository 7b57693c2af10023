"""The networks' state dicts are the published ones, key by key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.networks.dinov2 import DINOv2
from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig
from pipeline.networks.instantmesh.model import PREFIX
from pipeline.networks.triposg import VAE, Transformer
from pipeline.networks.triposr import TripoSR


def published(testdata: Path, name: str) -> list[tuple[str, tuple[int, ...]]]:
    entries = json.loads((testdata / "specs" / f"{name}_state_dict.json").read_text())
    assert {entry["dtype"] for entry in entries} == {"float32"}
    return [(entry["key"], tuple(entry["shape"])) for entry in entries]


def ours(model: nn.Module, prefix: str = "") -> list[tuple[str, tuple[int, ...]]]:
    return [(prefix + name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()]


def test_triposr_has_the_published_keys_and_shapes_in_their_order(testdata: Path) -> None:
    with torch.device("meta"):
        model = TripoSR()
    assert ours(model) == published(testdata, "triposr")


@pytest.mark.parametrize("surface", ["mesh", "nerf"])
@pytest.mark.parametrize(("size", "layers", "features"), [("large", 16, 80), ("base", 12, 40)])
def test_every_instantmesh_variant_has_the_published_keys(
    testdata: Path, surface: str, size: str, layers: int, features: int
) -> None:
    with torch.device("meta"):
        model = InstantMesh(InstantMeshConfig(surface=surface, layers=layers, features=features))  # type: ignore[arg-type]
    assert ours(model, PREFIX) == published(testdata, f"instant_{surface}_{size}")


@pytest.mark.parametrize(
    ("name", "network", "values"),
    [
        ("transformer", Transformer, 1_439_556_160),
        ("vae", VAE, 242_662_017),
        ("image_encoder", DINOv2, 304_368_640),
    ],
)
def test_every_part_of_triposg_has_the_published_keys_and_shapes_in_their_order(
    testdata: Path, name: str, network: type[nn.Module], values: int
) -> None:
    with torch.device("meta"):
        model = network()
    assert ours(model) == published(testdata, f"triposg_{name}")
    assert sum(tensor.numel() for tensor in model.state_dict().values()) == values
