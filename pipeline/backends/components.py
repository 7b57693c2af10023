"""The components of a diffusers folder, loaded strictly: local files, safetensors, none of its
code, and no tensor left to chance."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from pipeline import weights
from pipeline.errors import BackendUnavailable

LIBRARIES = ("diffusers", "transformers")


def load(folder: Path, names: Iterable[str], kind: torch.dtype) -> dict[str, Any]:
    """The components NAMES of the model FOLDER, networks in KIND and on the CPU. BackendUnavailable
    names what does not load, and why."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    classes, made = weights.components(folder), {}
    for name in names:
        try:
            made[name] = _one(folder, name, *classes[name], kind)
        except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise BackendUnavailable(
                f"Model {folder.name}, {name}/ does not load: {why}",
                remedy=weights.remedy(folder.name),
            ) from None
    return made


def _checked(part: Any) -> Any:
    """PART, unless it is a tokenizer to which plain words are unknown: without its vocabulary it
    loads, and says so of every word."""
    unknown = getattr(part, "unk_token_id", None)
    if unknown is not None and (
        not (ids := part("a red cube", add_special_tokens=False).input_ids) or unknown in ids
    ):
        raise ValueError(
            "plain words are unknown to it; its vocabulary is missing or another model's"
        )
    return part


def _one(folder: Path, name: str, library: str, cls: str, kind: torch.dtype) -> Any:
    if library not in LIBRARIES:
        raise ValueError(f"it is made by {library}, which is not loaded")
    maker = getattr(importlib.import_module(library), cls)
    if not issubclass(maker, torch.nn.Module):
        return _checked(maker.from_pretrained(folder, subfolder=name, local_files_only=True))
    made, told = maker.from_pretrained(
        folder,
        subfolder=name,
        local_files_only=True,
        use_safetensors=True,
        torch_dtype=kind,
        output_loading_info=True,
    )
    # Both libraries only warn of these, and go on with random numbers.
    if missing := sorted(told["missing_keys"]):
        raise ValueError(
            f"tensor {missing[0]} is missing"
            + (f" (and {len(missing) - 1} more)" if missing[1:] else "")
        )
    return made.eval().requires_grad_(False)
