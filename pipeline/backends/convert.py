"""`python -m pipeline.backends.convert ORDER`: a checkpoint becomes a model folder, in a process that may write nowhere else.

ORDER is the JSON that models.import_model writes. On refusal the reason goes to standard output and the exit status is 1.
"""

from __future__ import annotations

import json
import pickle
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from pipeline import models, tensorfile
from pipeline.backends import weights
from pipeline.errors import BackendUnavailable
from pipeline.gpu import sandbox


def main(order: dict[str, Any]) -> None:
    source, target = Path(order["source"]), Path(order["target"])
    sandbox.confine(read=[source], write=[target])
    made = target / f".{order['name']}.new"
    shutil.rmtree(made, ignore_errors=True)
    if order["network"] == "diffusers":
        shutil.copytree(source, made, ignore=shutil.ignore_patterns("*.bin", "*.ckpt", "*.pt", "*.py", ".*"))
        if trouble := models.problem(target, made.name, models.KNOWN[order["name"]].entries):
            shutil.rmtree(made)
            raise BackendUnavailable(trouble)
    else:
        network = weights.skeleton(order["network"], order["sizes"])
        state = tensors(source, order["prefix"])
        if trouble := tensorfile.compare({name: tuple(t.shape) for name, t in state.items()}, weights.shapes(network)):
            raise BackendUnavailable(trouble)
        network.load_state_dict(state, strict=True, assign=True)
        weights.save(made, network, order["network"], {"file": source.name, "sha256": order["source_sha256"]})
    shutil.rmtree(target / order["name"], ignore_errors=True)
    made.rename(target / order["name"])


def tensors(source: Path, prefix: str) -> dict[str, torch.Tensor]:
    """Name → float32 tensor of a checkpoint: without PREFIX where it has one, and only what stands under it."""
    if source.suffix == ".safetensors":
        tensorfile.header(source)
        state = load_file(source)
    else:
        loaded = torch.load(source, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(source))
        state = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else {}
    under = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)} if prefix else state
    chosen = under or state
    return {name: value.float() for name, value in chosen.items() if isinstance(value, torch.Tensor) and "source_camera" not in name}


if __name__ == "__main__":
    try:
        main(json.loads(sys.argv[1]))
    except BackendUnavailable as error:
        sys.exit(print(error.message) or 1)
    except pickle.UnpicklingError:
        sys.exit(print("it holds more than tensors, so it was not opened") or 1)
    except (RuntimeError, SafetensorError, EOFError, ValueError, KeyError) as error:
        sys.exit(print(f"it is corrupt ({str(error).splitlines()[0][:200]})") or 1)
