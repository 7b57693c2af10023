"""`python -m pipeline.weights.convert ORDER`: a checkpoint becomes a model folder, in a process
that may write nowhere else.

ORDER is the JSON that importing writes. On refusal the reason, and in a second line what to do, go
to standard output, and the exit status is 1.
"""

from __future__ import annotations

import json
import os
import pickle
import pickletools
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from pipeline.errors import BackendUnavailable
from pipeline.gpu import sandbox
from pipeline.weights import loading, lowrank, tensorfile
from pipeline.weights.catalogue import KNOWN

SPARE = (
    "On a machine that you can spare, save its tensors alone, e.g."
    " torch.save(checkpoint['state_dict'], 'tensors.ckpt'), and import that."
)
OTHERS = {  # how the tensors of files begin that people take for ours
    "double_blocks.": "FLUX in one file, as other programs load it",
    "transformer_blocks.": "the transformer of a diffusers folder",
    "model.diffusion_model.": "Stable Diffusion in one file",
    "down_blocks.": "the unet of a diffusers folder",
    "encoder.block.": "a T5 text encoder",
    "lora_": "a LoRA",
    "diffusion_model.": "a LoRA",
    "text_model.": "a CLIP text encoder",
}


def main(order: dict[str, Any]) -> None:
    source, made = Path(order["source"]), Path(order["target"])
    sandbox.confine(read=[source, source.resolve()], write=[made])
    state = tensors(source, order["prefix"])
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    if order["network"] == loading.LORA:
        if trouble := lowrank.unpaired(shapes):
            raise BackendUnavailable(trouble, remedy=_looks_like(shapes, order["name"]))
        loading.save_tensors(made, state, loading.LORA, {}, order["origin"])
    else:
        network = loading.skeleton(order["network"], order["sizes"])
        if trouble := tensorfile.compare(shapes, loading.shapes(network)):
            raise BackendUnavailable(trouble, remedy=_looks_like(shapes, order["name"]))
        network.load_state_dict(state, strict=True, assign=True)
        loading.save(made, network, order["network"], order["origin"])
    for path in made.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


def _looks_like(shapes: tensorfile.Shapes, name: str) -> str:
    """What to do with tensors that are not those of NAME: which model they are, where that is
    known."""
    for known in KNOWN.values():
        if known.network in loading.NETWORKS:
            under = {key.removeprefix(known.prefix): shape for key, shape in shapes.items()}
            if (
                tensorfile.compare(
                    under, loading.shapes(loading.skeleton(known.network, dict(known.sizes)))
                )
                is None
            ):
                return f"It looks like {known.name}: import it with --name {known.name}."
    if words := next(
        (words for start, words in OTHERS.items() if any(key.startswith(start) for key in shapes)),
        None,
    ):
        return (
            f"It looks like {words}, which is not {name}. Fetch {KNOWN[name].file} of"
            f" {KNOWN[name].hub}."
        )
    return (
        f"Is it {name}? Fetch {KNOWN[name].file} of {KNOWN[name].hub}, or name another model with"
        " --name."
    )


def tensors(source: Path, prefix: str) -> dict[str, torch.Tensor]:
    """Name → float32 tensor of a checkpoint: without PREFIX where it has one, and only what stands
    under it.

    The content decides how it is read: files in a hub cache have no suffix, and a .ckpt may be
    safetensors.
    """
    with source.open("rb") as stream:
        start = stream.read(9)
    if tensorfile.pickled(start):
        loaded = torch.load(
            source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source)
        )
        state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    else:
        tensorfile.header(source)
        state = load_file(source)
    under = (
        {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if name.startswith(prefix)
        }
        if prefix
        else state
    )
    chosen = under or state
    return {
        name: value.float()
        for name, value in chosen.items()
        if isinstance(value, torch.Tensor) and "source_camera" not in name
    }


def _why(source: Path, error: pickle.UnpicklingError) -> tuple[str, str]:
    """What torch's refusal of a pickle comes to: it holds more than tensors, or it is none. Its
    instructions are read, not followed."""
    if named := re.search(r"(?:GLOBAL|class) ([\w.]+)", str(error)):
        return f"it holds more than tensors ({named[1]}), so it was not opened", SPARE
    try:
        with source.open("rb") as stream:
            list(pickletools.genops(stream))
    except (ValueError, IndexError, KeyError):
        return "it is no checkpoint, or a damaged one", "Fetch the file again."
    return "it holds more than tensors, so it was not opened", SPARE


def refuse(message: str, cure: str = "") -> None:
    sys.exit(print(f"{message}\n{cure}") or 1)


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except BackendUnavailable as error:
        refuse(error.message, error.remedy if error.remedy != BackendUnavailable.remedy else "")
    except pickle.UnpicklingError as error:
        refuse(*_why(Path(json.loads(sys.argv[1])["source"]), error))
    except MemoryError:
        refuse(
            "there is too little memory for it",
            "Import it on a machine with more memory, and carry the model's folder here.",
        )
    except OSError as error:
        refuse(
            f"the disk says: {error.strerror or error}",
            "Look at the disks of the file and of the models folder: is one full?",
        )
    except (RuntimeError, SafetensorError, ValueError) as error:
        # the library that writes has no OSError
        if "os error 28" in str(error) or "No space left" in str(error):
            refuse(
                "the disk of the models folder is full",
                "Free some space there, or set [host] models to a folder on another disk.",
            )
        refuse(f"it is corrupt ({(str(error).splitlines() or ['nobody says where'])[0][:200]})")
    except (EOFError, LookupError):
        refuse("it is no checkpoint, or a damaged one", "Fetch the file again.")
