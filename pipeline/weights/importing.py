"""`inbox3d models import`: what a person brings becomes a model folder, whole or not at all. The
source stays as it is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipeline.errors import BackendUnavailable
from pipeline.weights import record, sources
from pipeline.weights.catalogue import FACTS, KNOWN, MATTING, WEIGHTS, Known
from pipeline.weights.copying import copied, copy_folder
from pipeline.weights.place import alone, building, disk_in_words, room
from pipeline.weights.record import Each
from pipeline.weights.tensorfile import no_data, not_there, sha256


def import_model(
    source: Path,
    models: Path,
    name: str | None = None,
    sizes: dict[str, Any] | None = None,
    each: Each = lambda name, k, count: None,
) -> Path:
    """Put SOURCE (see sources.py) into MODELS as NAME and return its folder; an older one of that
    name is replaced at the end.

    A checkpoint is unpickled with weights only, in a confined child process, and written as
    safetensors. SIZES are for networks of other than the published sizes. BackendUnavailable says
    why something is refused, and what to do.
    """
    with disk_in_words(models):
        if name == MATTING or (name is None and source.suffix == ".onnx" and source.is_file()):
            return _matting(source, models)
        known, path = sources.find(source, name)
        with alone(models, known.name), building(models / known.name) as made:
            if known.entries:
                copy_folder(path, made, known, each)
            else:
                import_checkpoint(path, made, known, sizes)
        return models / known.name


def _matting(source: Path, models: Path) -> Path:
    """Put an .onnx file that cuts objects out of pictures where the pipeline looks for it."""
    trouble = (
        not_there(source)
        or no_data(source)
        or ("is no .onnx file" if source.suffix != ".onnx" else None)
    )
    if trouble:
        raise BackendUnavailable(
            f"{source.name} {trouble}.",
            remedy="Name the .onnx file of a U²-Net or IS-Net (docs/models.md).",
        )
    room(models, source.stat().st_size, MATTING)
    with alone(models, MATTING), building(models / MATTING) as made:
        copied(source, made / source.name)
    return models / MATTING


def import_checkpoint(
    path: Path,
    made: Path,
    known: Known,
    sizes: dict[str, Any] | None = None,
    origin: dict[str, Any] | None = None,
) -> None:
    """Convert the checkpoint PATH of KNOWN into the folder MADE."""
    need_torch(f"Importing {known.name}")
    digest = sha256(path)
    ours = (
        record.facts(path.parent)
        if path.name == WEIGHTS and (path.parent / FACTS).is_file()
        else None
    )
    if ours:
        _check_carried(path, ours, digest, known)
        sizes, origin = ours["sizes"], ours.get("origin")
    elif (
        known.sha256
        and not sizes
        and (path.suffix != ".safetensors" or known.file.endswith(".safetensors"))
        and digest != known.sha256
    ):
        cure = f"Fetch {known.file} of {known.hub} again."
        raise BackendUnavailable(
            f"{path.name} is not the published {known.name}: its SHA-256 is {digest}.", remedy=cure
        )
    room(made.parent, path.stat().st_size, known.name)
    order: dict[str, Any] = {
        "name": known.name,
        "sizes": sizes or known.sizes,
        "prefix": known.prefix,
        "network": known.network,
    }
    order |= {
        "source": str(path.absolute()),
        "target": str(made.absolute()),
        "origin": origin or {"file": path.name, "sha256": digest},
    }
    command = [sys.executable, "-m", "pipeline.weights.convert", json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    said, _, cure = done.stdout.strip().partition("\n")
    if not said:
        killed = (
            "its process was killed; was there too little memory?"
            if done.returncode < 0
            else "it ended without a word"
        )
        said = killed if done.returncode < 0 else (done.stderr.strip().splitlines() or [killed])[-1]
    raise BackendUnavailable(
        f"{path.name} cannot be imported: {said}",
        remedy=cure or "Fetch the file again, or name another model with --name.",
    )


def _check_carried(path: Path, ours: dict[str, Any], digest: str, known: Known) -> None:
    """A model folder of ours from another host: unchanged on the way, and the model that it is said
    to be."""
    if digest != ours["sha256"]:
        raise BackendUnavailable(
            f"{path} was damaged on its way: its SHA-256 is not the one in {FACTS}.",
            remedy="Carry it here again.",
        )

    def fits(other: Known) -> bool:
        return other.network == ours["network"] and all(
            ours["sizes"].get(key) == value for key, value in other.sizes.items()
        )

    like = next((other.name for other in KNOWN.values() if fits(other)), None)
    if ours["network"] != known.network or (like and not fits(known)):
        raise BackendUnavailable(
            f"{path.parent} is not {known.name}: it looks like {like or ours['network']}.",
            remedy=f"Import it with --name {like}.",
        )


def need_torch(what: str) -> None:
    """BackendUnavailable where the libraries that read checkpoints are not installed; said before
    anything is fetched."""
    from importlib.util import find_spec

    if lacking := [
        library for library in ("torch", "safetensors", "numpy") if find_spec(library) is None
    ]:
        cure = "Install the extra: pip install -c constraints.txt 'inbox3d[generate]'."
        raise BackendUnavailable(
            f"{what} needs {' and '.join(lacking)}, not installed here.", remedy=cure
        )
