"""From a model folder to a network: built without memory, compared by name and shape with the
file's header, then filled."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig
from pipeline.networks.triposr import TripoSR, TripoSRConfig
from pipeline.networks.vit import ViTConfig
from pipeline.weights import lowrank, tensorfile

LORA = "lora"  # the kind of what is merged into another model's network
NETWORKS: dict[str, tuple[type[Any], type[Any]]] = {
    "triposr": (TripoSR, TripoSRConfig),
    "instantmesh": (InstantMesh, InstantMeshConfig),
}


def skeleton(network: str, sizes: dict[str, Any]) -> nn.Module:
    """The network of these sizes without memory behind its tensors; BackendUnavailable where the
    sizes make no sense."""
    try:
        model, config = NETWORKS[network]
        values = {**sizes, "vit": ViTConfig(**sizes["vit"])} if "vit" in sizes else sizes
        with torch.device("meta"):
            built: nn.Module = model(config(**values))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BackendUnavailable(f"{weights.FACTS} describes no network we know: {error}") from None
    return built.eval().requires_grad_(False)


def shapes(network: nn.Module) -> tensorfile.Shapes:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def difference(folder: Path) -> str | None:
    """The first tensor of the folder that does not fit its network, in words."""
    said = weights.facts(folder)
    if said["network"] == LORA:
        return lowrank.difference(folder / weights.WEIGHTS)
    return tensorfile.compare(
        tensorfile.header(folder / weights.WEIGHTS),
        shapes(skeleton(said["network"], said["sizes"])),
    )


def load(folder: Path, device: str = "cpu") -> nn.Module:
    """The network in FOLDER on DEVICE. BackendUnavailable names what is missing, corrupt, pickled
    or of the wrong size."""
    try:
        said = weights.facts(folder)
        network = skeleton(said["network"], said["sizes"])
        path = folder / weights.WEIGHTS
        if trouble := tensorfile.compare(tensorfile.header(path), shapes(network)):
            raise BackendUnavailable(trouble)
        # Copies, because tensors in a mapped file lie at odd addresses, and matrix kernels round by
        # the address.
        state = {name: tensor.clone() for name, tensor in load_file(path, device=device).items()}
        network.load_state_dict(state, strict=True, assign=True)
    except BackendUnavailable as error:
        raise BackendUnavailable(
            f"Model {folder.name}: {error.message}.", remedy=weights.remedy(folder.name)
        ) from None
    return network.requires_grad_(False)


def save(folder: Path, network: Any, kind: str, origin: dict[str, Any] | None = None) -> None:
    """Write NETWORK (kind triposr or instantmesh) as a model folder."""
    save_tensors(folder, network.state_dict(), kind, dataclasses.asdict(network.config), origin)


def save_tensors(
    folder: Path,
    state: Mapping[str, torch.Tensor],
    kind: str,
    sizes: dict[str, Any],
    origin: dict[str, Any] | None = None,
) -> None:
    """Write the tensors STATE of a network of the KIND and SIZES as a model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / weights.WEIGHTS
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    said = {
        "format": 1,
        "network": kind,
        "sizes": sizes,
        "sha256": tensorfile.sha256(path),
        "size": (found := path.stat()).st_size,
        "changed": found.st_mtime_ns,
        "origin": origin or {},
    }
    (folder / weights.FACTS).write_text(json.dumps(said, indent=1) + "\n")
