"""Our own networks from the parts of a diffusers folder: each built by its config.json without
memory, compared by name and shape with its files' headers, then filled.

The classes that the folder names are not looked at, and none of its code is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from torch import nn

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.networks.dinov2 import DINOv2, published
from pipeline.networks.triposg import VAE, Transformer, TransformerConfig, VAEConfig, config
from pipeline.weights import loading, parts, tensorfile, whole

CONFIG = "config.json"


class Maker(NamedTuple):
    """From the content of a part's config.json to its network; the published name of a tensor that
    is spelled otherwise."""

    network: Callable[[Mapping[str, Any]], nn.Module]
    published: Callable[[str], str] = str


# network of the catalogue → part → how it is made
MAKERS: dict[str, dict[str, Maker]] = {
    "triposg": {
        "image_encoder_dinov2": Maker(lambda said: DINOv2(config.eye(said)), published),
        "transformer": Maker(lambda said: Transformer(TransformerConfig.of(said))),
        "vae": Maker(lambda said: VAE(VAEConfig.of(said))),
    }
}


def skeleton(folder: Path, part: str, network: str = "triposg") -> nn.Module:
    """The network of PART of the folder, without memory behind its tensors."""
    try:
        with torch.device("meta"):
            built = MAKERS[network][part].network(whole.read_json(folder / part / CONFIG))
    except KeyError as error:
        raise BackendUnavailable(f"{part}/{CONFIG} does not tell {error}") from None
    except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise BackendUnavailable(f"{part}/{CONFIG} describes no such network: {error}") from None
    return built.eval().requires_grad_(False)


def files(folder: Path, part: str) -> list[Path]:
    """The files with the tensors of PART."""
    library, cls = weights.components(folder)[part]
    below = {path.name for path in (folder / part).iterdir()}
    names = parts.loaded(parts.Part(part, library, cls), below)
    return [folder / part / name for name in names if name.endswith(".safetensors")]


def difference(folder: Path, network: str) -> str | None:
    """The first tensor of the folder that does not fit its network, in words."""
    for part in MAKERS[network]:
        try:
            _compared(folder, part, network, skeleton(folder, part, network))
        except BackendUnavailable as error:
            return error.message
    return None


def load(
    folder: Path,
    part: str,
    device: str = "cpu",
    kind: torch.dtype = torch.float32,
    network: str = "triposg",
) -> nn.Module:
    """PART of the folder on DEVICE, in KIND; one copy in memory. BackendUnavailable names what is
    missing, corrupt or of the wrong size."""
    try:
        built = skeleton(folder, part, network)
        where = _compared(folder, part, network, built)
    except BackendUnavailable as error:
        raise BackendUnavailable(
            f"Model {folder.name}: {error.message}.", remedy=weights.remedy(folder.name)
        ) from None
    name_of = MAKERS[network][part].published
    state = {
        name_of(name): _tensor(path, name).to(device, kind, copy=True)
        for name, path in where.items()
    }
    built.load_state_dict(state, strict=True, assign=True)
    return built.requires_grad_(False)


def _compared(folder: Path, part: str, network: str, built: nn.Module) -> dict[str, Path]:
    """Name in its file → file, of each tensor of PART, all of which fit BUILT."""
    where: dict[str, Path] = {}
    shapes: tensorfile.Shapes = {}
    for path in files(folder, part):
        for name, shape in tensorfile.header(path).items():
            where[name], shapes[MAKERS[network][part].published(name)] = path, shape
    if trouble := tensorfile.compare(shapes, loading.shapes(built)):
        raise BackendUnavailable(f"{part}/: {trouble}")
    return where


def _tensor(path: Path, name: str) -> torch.Tensor:
    """Opened for one tensor alone: the pages of a file that stays mapped count as memory of the
    process, as much again as the network's."""
    with safe_open(path, "pt") as opened:
        found: torch.Tensor = opened.get_tensor(name)
    return found
