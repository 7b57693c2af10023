"""What lies in the models folder, and whether it may be used. Headers are read, tensors are not, so
that it is known at submit time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import BackendUnavailable
from pipeline.weights import parts, record, whole
from pipeline.weights.catalogue import ALWAYS, INDEX, KNOWN, MATTING, WEIGHTS, Known, remedy
from pipeline.weights.tensorfile import header, no_data, not_there

WIDE = 12_288  # numbers a token of the text has in FLUX.2-klein-9B; 4B has 7680


def backends(models: Path | None) -> tuple[str, ...]:
    """Names of the backends that can serve with what lies in MODELS, for a heartbeat or a look
    before a submission."""
    usable = {name for name in KNOWN if problem(models, name) is None}
    found = {
        KNOWN[name].network if KNOWN[name].network != "diffusers" else name.partition("-")[0]
        for name in usable
        if KNOWN[name].network != "lora"
    }
    return (*sorted(found), *ALWAYS, *_added())


def broken(models: Path) -> dict[str, str]:
    """Models that lie in MODELS and cannot be used: by name, what is wrong, files named."""
    troubles = {
        name: problem(models, name)
        for name in KNOWN
        if (models / name).exists() or (models / name).is_symlink()
    }
    if (models / MATTING).exists():
        troubles[MATTING] = matting(models)
    return {name: trouble for name, trouble in troubles.items() if trouble}


def known_backends() -> tuple[str, ...]:
    """Names of all backends that a request can ask for: our own, whether or not their weights are
    here, and the plug-ins of this host."""
    return (
        *sorted({known.network for known in KNOWN.values()} - {"diffusers", "lora"}),
        *ALWAYS,
        *_added(),
    )


def _added() -> list[str]:
    from importlib.metadata import entry_points

    return sorted(entry.name for entry in entry_points(group="inbox3d.backends"))


def require(models: Path | None, name: str) -> Path:
    """The folder of the model NAME; BackendUnavailable says what is wrong with it."""
    trouble = problem(models, name)
    if trouble or models is None:
        raise BackendUnavailable(f"Model {name}: {trouble}.", remedy=remedy(name))
    return models / name


def problem(models: Path | None, name: str) -> str | None:
    """Why the model NAME cannot be used, or None. Loads nothing: headers, sizes, facts and small
    files are looked at."""
    if models is None or not ((models / name).exists() or (models / name).is_symlink()):
        return "is not in the models folder"
    folder = models / name
    if not folder.is_dir():
        return not_there(folder) or "is a file, where a folder is needed"
    try:
        if (folder / INDEX).is_file() or (name in KNOWN and KNOWN[name].entries):
            known = KNOWN.get(name)
            whole.check(folder, known.entries if known else ())
            return other_model(folder, known) if known else None
        record.facts(folder)
        header(folder / WEIGHTS)
    except BackendUnavailable as error:
        return error.message
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def other_model(folder: Path, known: Known) -> str | None:
    """Words where the diffusers FOLDER, which is whole, holds another known model than KNOWN: both
    FLUX.1 have the same parts, and all FLUX.2 klein."""
    index = whole.index_of(folder)
    if known.pipeline and (made := index.get("_class_name", known.pipeline)) != known.pipeline:
        return f"is a {made}, and {known.name} is a {known.pipeline}"
    if "transformer" not in known.entries:
        return None
    config = whole.read_json(folder / "transformer" / "config.json")
    if known.distilled is not None:
        return _other_klein(index, config, known.distilled)
    guided = config.get("guidance_embeds")
    if guided is None or guided == (known.name == "flux-dev"):
        return None
    return (
        f"looks like flux-{'dev' if guided else 'schnell'}: its transformer"
        f" {'has' if guided else 'lacks'} guidance_embeds"
    )


def _other_klein(
    index: Mapping[str, Any], config: Mapping[str, Any], distilled: bool
) -> str | None:
    """Words where a FLUX.2 klein is the one of 9 B parameters, whose licence is another, or is
    not DISTILLED as it should be: drawn with the other one's steps it gives mud."""
    if config.get("joint_attention_dim") == WIDE:
        return "looks like FLUX.2-klein-9B, whose licence is non-commercial"
    if bool(index.get("is_distilled")) == distilled:
        return None
    return (
        f"looks like flux2-klein{'-base' if distilled else ''}: {INDEX} says"
        f" {'nothing of' if distilled else ''} is_distilled"
    )


def matting(models: Path) -> str | None:
    """What is wrong with the folder of the network that cuts objects out, or None."""
    found = sorted((models / MATTING).glob("*.onnx"))
    if not found:
        return "holds no .onnx file"
    trouble = not_there(found[0]) or no_data(found[0])
    return f"{found[0].name} {trouble}" if trouble else None


def fingerprint(models: Path | None, name: str) -> str:
    """SHA-256 that tells the weights of NAME from any others: of the one file, or of all that is
    loaded of a diffusers folder. As recorded at import only where a file is untouched since."""
    folder = require(models, name)
    if not (folder / INDEX).is_file():
        return record.digest(folder, WEIGHTS)
    rows = [f"{record.digest(folder, part)}  {part}" for part in loaded(folder)]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def loaded(folder: Path, entries: Iterable[str] = ()) -> list[str]:
    """Paths below the diffusers FOLDER of what is loaded."""
    return sorted(path.relative_to(folder).as_posix() for path in whole.check(folder, entries))


def components(folder: Path) -> dict[str, tuple[str, str]]:
    """Library and class of each component that a diffusers folder names."""
    return {part.name: (part.library, part.cls) for part in parts.parts_of(whole.index_of(folder))}
