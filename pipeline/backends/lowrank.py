"""Low-rank changes (LoRA) merged into a network of diffusers: W + weight · B·A (library: diffusers,
for what its own names of the places are)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline import weights as files
from pipeline.errors import BackendUnavailable
from pipeline.weights.lowrank import HALVES


def merge(network: nn.Module, folder: Path, weight: float) -> None:
    """Change NETWORK, a Flux2Transformer2DModel, by the pairs in FOLDER, which may be named as
    its publisher names the places. BackendUnavailable where one finds no place of its size."""
    try:
        placed = _renamed(load_file(folder / files.WEIGHTS))
        places = dict(network.named_parameters())
        for name, thin in placed.items():
            ends = next((pair for pair in HALVES.items() if name.endswith(pair[0])), None)
            if ends is None:
                continue
            place = name.removesuffix(ends[0])
            found = places.get(f"{place}.weight")
            change = placed[place + ends[1]].float() @ thin.float()
            if found is None or found.shape != change.shape:
                raise ValueError(f"there is no place {place} of the size {tuple(change.shape)}")
            found.data = (found.data.float() + weight * change.to(found.device)).to(found.dtype)
    except (KeyError, ValueError, RuntimeError) as error:
        raise BackendUnavailable(
            f"Model {folder.name} does not fit the network that it changes: {error}",
            remedy=files.remedy(folder.name),
        ) from None


def _renamed(state: dict[str, Tensor]) -> dict[str, Any]:
    """STATE by the names that diffusers has for the places; fused ones are taken apart."""
    from diffusers import Flux2KleinPipeline

    found = Flux2KleinPipeline.lora_state_dict(state)
    return {name.removeprefix("transformer."): tensor for name, tensor in found.items()}
