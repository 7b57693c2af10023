"""Model files: what we know, what lies in the local models folder, and whether it may be used. Safetensors only, never a pickle.

One folder per model: ``model.safetensors`` beside ``model.json`` (network, sizes, SHA-256, origin), or a diffusers folder with its
``model_index.json``. The folder is a disposable cache. Reading a header needs no library, so a missing or broken file is named when
a job is submitted.
"""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import BackendUnavailable
from pipeline.tensorfile import header, sha256

ALWAYS = ("visual-hull", "placeholder")  # backends that need no weights
WEIGHTS, FACTS, INDEX = "model.safetensors", "model.json", "model_index.json"


TRIPOSR_SHA256 = "429e2c6b22a0923967459de24d67f05962b235f79cde6b032aa7ed2ffcd970ee"


class Known(NamedTuple):
    """A published model. ``file`` and ``prefix`` say where its tensors are; ``sizes`` are what differs from the network's defaults."""

    name: str
    network: str  # triposr, instantmesh or diffusers
    hub: str
    licence: str
    file: str = ""
    sha256: str | None = None  # of ``file`` as published, where it is known
    prefix: str = ""
    sizes: dict[str, Any] = {}  # noqa: RUF012 (never changed)
    entries: tuple[str, ...] = ()  # what model_index.json of a diffusers folder must name


def _instantmesh(name: str, surface: str, layers: int, features: int) -> Known:
    sizes = {"surface": surface, "layers": layers, "features": features}
    file = f"instant_{surface}_{name.rpartition('-')[2]}.ckpt"
    return Known(name, "instantmesh", "TencentARC/InstantMesh", "Apache-2.0", file, None, "lrm_generator.", sizes)


FLUX = ("transformer", "vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler")
ZERO123PLUS = ("unet", "vae", "text_encoder", "tokenizer", "vision_encoder", "scheduler", "feature_extractor_vae", "feature_extractor_clip",
               "ramping_coefficients")  # fmt: skip


def _folder(name: str, hub: str, licence: str, entries: tuple[str, ...]) -> Known:
    return Known(name, "diffusers", hub, licence, entries=entries)


KNOWN: dict[str, Known] = {
    known.name: known
    for known in (
        Known("triposr", "triposr", "stabilityai/TripoSR", "MIT", "model.ckpt", TRIPOSR_SHA256),
        _instantmesh("instantmesh-large", "mesh", 16, 80),
        _instantmesh("instantmesh-base", "mesh", 12, 40),
        _instantmesh("instantnerf-large", "nerf", 16, 80),
        _instantmesh("instantnerf-base", "nerf", 12, 40),
        _folder("flux-schnell", "black-forest-labs/FLUX.1-schnell", "Apache-2.0", FLUX),
        _folder("flux-dev", "black-forest-labs/FLUX.1-dev", "FLUX.1-dev non-commercial", FLUX),
        _folder("zero123plus", "sudo-ai/zero123plus-v1.2", "CC-BY-NC-4.0", ZERO123PLUS),
        _folder("zero123plus-white", "dylanebert/zero123plus-instantmesh", "CC-BY-NC-4.0", ZERO123PLUS),
    )
}  # fmt: skip


class Row(NamedTuple):
    """A model as `inbox3d models list` and `verify` show it."""

    name: str
    licence: str
    present: bool
    problem: str | None
    gigabytes: float


def listing(models: Path) -> list[Row]:
    """Every known model and every other folder of MODELS; headers are read, contents are not."""
    return [_row(models, name, problem(models, name)) for name in _names(models)]


def verify(models: Path) -> list[Row]:
    """The same for what is present, with every SHA-256 computed and every tensor's size compared with its network."""
    return [_row(models, name, problem(models, name) or _differs(models / name)) for name in _names(models) if (models / name).is_dir()]


def _names(models: Path) -> list[str]:
    found = sorted(path.name for path in models.iterdir() if path.is_dir()) if models.is_dir() else []
    return [*KNOWN, *(name for name in found if name not in KNOWN and not name.startswith("."))]


def _row(models: Path, name: str, problem: str | None) -> Row:
    size = sum(path.stat().st_size for path in (models / name).rglob("*") if path.is_file())
    licence = KNOWN[name].licence if name in KNOWN else "unknown"
    return Row(name, licence, (models / name).is_dir(), problem, size / 2**30)


def backends(models: Path | None) -> tuple[str, ...]:
    """Names of the backends that can serve with what lies in MODELS, for a heartbeat or a look before a submission."""
    usable = {name for name in KNOWN if problem(models, name) is None}
    found = {KNOWN[name].network if KNOWN[name].network != "diffusers" else name.partition("-")[0] for name in usable}
    return (*sorted(found), *ALWAYS, *_added())


def known_backends() -> tuple[str, ...]:
    """Names of all backends that a request can ask for: our own, whether or not their weights are here, and the plug-ins of this host."""
    return (*sorted({known.network for known in KNOWN.values()} - {"diffusers"}), *ALWAYS, *_added())


def _added() -> list[str]:
    from importlib.metadata import entry_points

    return sorted(entry.name for entry in entry_points(group="inbox3d.backends"))


def require(models: Path | None, name: str) -> Path:
    """The folder of the model NAME; BackendUnavailable says what is wrong with it."""
    trouble = problem(models, name)
    if trouble or models is None:
        raise BackendUnavailable(f"Model {name}: {trouble}.", remedy=remedy(name))
    return models / name


def remedy(name: str) -> str:
    return f"Run `inbox3d models pull {name}`, or `inbox3d models import FILE --name {name}` on a host without internet."


def problem(models: Path | None, name: str, entries: tuple[str, ...] | None = None) -> str | None:
    """Why the model NAME cannot be used, or None. Loads nothing: headers, sizes and facts are looked at.

    ENTRIES are what a model_index.json must name, where NAME itself does not tell.
    """
    if models is None or not (models / name).is_dir():
        return "is not in the models folder"
    folder = models / name
    try:
        if (folder / INDEX).is_file():
            for part in _parts(folder, entries or (KNOWN[name].entries if name in KNOWN else ())):
                header(part)
        else:
            facts(folder)
            header(folder / WEIGHTS)
    except BackendUnavailable as error:
        return error.message
    return None


def fingerprint(models: Path | None, name: str) -> str:
    """SHA-256 that tells the weights of NAME from any others: as recorded at import, or of all files of a diffusers folder, read once."""
    folder = require(models, name)
    if not (folder / INDEX).is_file():
        return str(facts(folder)["sha256"])
    rows = [f"{_digest(part, part.stat().st_mtime_ns)}  {part.relative_to(folder)}" for part in sorted({*_parts(folder, ())})]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


@functools.cache
def _digest(path: Path, changed: int) -> str:
    return sha256(path)


def components(folder: Path) -> dict[str, tuple[str, str]]:
    """Library and class of each component that a diffusers folder names."""
    return {name: (value[0], value[1]) for name, value in _index(folder).items() if isinstance(value, list) and _made(value)}


def _made(value: list[Any]) -> bool:
    return len(value) == 2 and all(isinstance(part, str) for part in value)


def _index(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / INDEX).read_text())
    except (OSError, ValueError):
        raise BackendUnavailable(f"{INDEX} cannot be read") from None
    if not isinstance(said, dict):
        raise BackendUnavailable(f"{INDEX} cannot be read")
    return said


def _parts(folder: Path, entries: tuple[str, ...]) -> list[Path]:
    """The safetensors files of a diffusers folder; every component that has weights must have one, and ENTRIES must be named."""
    index = _index(folder)
    if missing := [entry for entry in entries if not index.get(entry)]:
        raise BackendUnavailable(f"{INDEX} names no {missing[0]}")
    parts = []
    for component in components(folder):
        if not (folder / component).is_dir():
            raise BackendUnavailable(f"the folder {component}/ is missing")
        weights = sorted((folder / component).glob("*.safetensors"))
        if not weights and sorted((folder / component).glob("*.bin")):
            raise BackendUnavailable(f"{component}/ holds a pickle (.bin) and no safetensors file")
        if not weights and not any(word in component for word in ("tokenizer", "scheduler", "feature_extractor")):
            raise BackendUnavailable(f"{component}/ holds no safetensors file")
        parts += weights
    return parts


def facts(folder: Path) -> dict[str, Any]:
    """The content of model.json."""
    try:
        said = json.loads((folder / FACTS).read_text())
    except (OSError, ValueError):
        raise BackendUnavailable(f"{FACTS} is missing or cannot be read") from None
    if not isinstance(said, dict) or said.get("format") != 1 or not {"network", "sizes", "sha256"} <= said.keys():
        raise BackendUnavailable(f"{FACTS} is not of format 1")
    return said


def _differs(folder: Path) -> str | None:
    if (folder / INDEX).is_file():
        return None
    from pipeline.backends import weights

    if sha256(folder / WEIGHTS) != facts(folder)["sha256"]:
        return f"{WEIGHTS} is corrupt: its SHA-256 is not the one in {FACTS}"
    return weights.difference(folder)


def import_model(source: Path, models: Path, name: str | None = None, sizes: dict[str, Any] | None = None) -> Path:
    """Put the checkpoint SOURCE (.ckpt, .safetensors or a diffusers folder) into MODELS as NAME and return its folder.

    A checkpoint is unpickled with weights only, in a confined child process, and written as safetensors. SIZES are for networks
    of other than the published sizes. BackendUnavailable says why a file is refused; SOURCE stays where it is.
    """
    name = name or next((known.name for known in KNOWN.values() if known.file == source.name), "")
    if name not in KNOWN:
        wrong = f"there is no model {name!r}" if name else "its name does not tell which model it is"
        raise BackendUnavailable(f"{source.name}: {wrong}.", remedy=f"Name one of {', '.join(KNOWN)} with --name.")
    if not source.exists():
        raise BackendUnavailable(f"{source} does not exist.", remedy="Name the checkpoint's file, or the diffusers folder.")
    known, digest = KNOWN[name], None
    if source.is_file():
        digest = sha256(source)
        if known.sha256 and source.suffix != ".safetensors" and not sizes and digest != known.sha256:
            raise BackendUnavailable(f"{source.name} is not the published {name}: its SHA-256 is {digest}.", remedy="Fetch the file again.")
    order: dict[str, Any] = {"name": name, "sizes": sizes or known.sizes, "prefix": known.prefix, "network": known.network}
    order |= {"source": str(source.resolve()), "target": str(models.resolve()), "source_sha256": digest}
    models.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pipeline.backends.convert", json.dumps(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stdout.strip() or (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        cure = "Fetch the file again, or name another model with --name."
        raise BackendUnavailable(f"{source.name} cannot be imported: {said}", remedy=cure)
    return models / name


def pull(name: str, models: Path) -> Path:
    """Fetch the published model NAME with huggingface_hub (needs the internet) and import it."""
    if name not in KNOWN:
        raise BackendUnavailable(f"There is no model {name!r}.", remedy=f"Name one of {', '.join(KNOWN)}.")
    import huggingface_hub

    known, download = KNOWN[name], models / ".download" / name
    try:
        if known.network == "diffusers":
            wanted = ["*.json", "*.safetensors", "*.txt", "*.model"]
            source = Path(huggingface_hub.snapshot_download(known.hub, local_dir=download, allow_patterns=wanted))
        else:
            source = Path(huggingface_hub.hf_hub_download(known.hub, known.file, local_dir=download))
    except Exception as error:
        raise BackendUnavailable(
            f"{known.hub} cannot be fetched: {type(error).__name__}.",
            remedy=f"On a host with internet fetch {known.hub}, bring it here and run `inbox3d models import`.",
        ) from error
    return import_model(source, models, name)
