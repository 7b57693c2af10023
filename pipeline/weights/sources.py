"""What a person points at with `inbox3d models import PATH`: from there to the one file or
diffusers folder that is meant.

Understood are a checkpoint, a diffusers folder, a hub cache (the whole of it, a models--org--name
folder in it, or a snapshot, whose files are links), a folder that holds the checkpoint, and a model
folder carried from another host.
"""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import BackendUnavailable
from pipeline.weights import whole
from pipeline.weights.catalogue import FACTS, INDEX, KNOWN, WEIGHTS, Known
from pipeline.weights.hub_cache import guessed, known_names, out_of_cache
from pipeline.weights.tensorfile import no_data, not_there, pickled

CHECKPOINTS = (".ckpt", ".safetensors", ".bin", ".pt", ".pth")


class Source(NamedTuple):
    """NAME of the model and the PATH that was found for it: a file, or a diffusers folder."""

    known: Known
    path: Path


def find(path: Path, name: str | None) -> Source:
    """What PATH means. BackendUnavailable, with what to do, where it means nothing or something
    else than the model NAME."""
    if name is not None and name not in KNOWN:
        raise BackendUnavailable(f"{path.name}: there is no model {name!r}.", remedy=known_names())
    if not path.exists():
        words = not_there(path) if path.is_symlink() else "does not exist"
        raise BackendUnavailable(
            f"{path} {words}.", remedy="Name the checkpoint's file, or the diffusers folder."
        )
    path = path.absolute()  # not resolved: in a hub cache the links bear the names
    if path.name == INDEX:
        path = path.parent
    known = KNOWN[name] if name else guessed(path)
    found = out_of_cache(path, known)
    known = known or guessed(found)
    if known is None:
        raise BackendUnavailable(
            f"{path.name}: its name does not tell which model it is.", remedy=known_names()
        )
    return Source(known, _folder(found, known) if known.entries else _file(found, known))


def _folder(path: Path, known: Known) -> Path:
    """The diffusers folder of KNOWN at PATH."""
    if path.is_file():
        if trouble := no_data(path):
            raise BackendUnavailable(f"{path.name} {trouble}.")
        what = (
            "an archive: unpack it and name the folder"
            if _archive(path)
            else "one file (such files are for other programs)"
        )
        raise BackendUnavailable(
            f"{path.name} is {what}; {known.name} is a folder of parts with {INDEX}.",
            remedy=f"Name the folder of {known.hub}, or run `inbox3d models pull {known.name}`.",
        )
    if (path / INDEX).exists() or (path / INDEX).is_symlink():
        return path
    if (path / "config.json").is_file() and (path.parent / INDEX).is_file():
        raise BackendUnavailable(
            f"{path} is one part of a diffusers folder.",
            remedy=f"Name the folder above it, {path.parent}.",
        )
    inside = sorted(entry.parent for entry in path.glob(f"*/{INDEX}"))
    hint = (
        f"Did you mean {inside[0]}?"
        if inside
        else f"Name the folder of {known.hub} that holds {INDEX}."
    )
    raise BackendUnavailable(
        f"{path} is no diffusers folder: {INDEX} is missing; {known.name} is one.", remedy=hint
    )


def _file(path: Path, known: Known) -> Path:
    """The checkpoint of KNOWN at PATH; in a folder that holds several, the one that bears its
    name."""
    if path.is_file():
        if (trouble := no_data(path)) or (trouble := _cut_or_packed(path)):
            raise BackendUnavailable(
                f"{path.name} {trouble}.",
                remedy=f"Fetch {known.file} of {known.hub} again, and import that.",
            )
        return path
    if (path / INDEX).is_file():
        pipeline = whole.index_of(path).get("_class_name", "pipeline")
        raise BackendUnavailable(
            f"{path} is a diffusers folder ({pipeline}); {known.name} is one file, {known.file}.",
            remedy=known_names(),
        )
    inside = sorted(entry for entry in path.iterdir() if entry.suffix in CHECKPOINTS)
    named = [
        entry
        for entry in inside
        if entry.name in (known.file, Path(known.file).with_suffix(".safetensors").name)
    ]
    ours = [path / WEIGHTS] if (path / FACTS).is_file() and (path / WEIGHTS).is_file() else []
    chosen = ours or named or (inside if len(inside) == 1 else [])
    if not chosen:
        held = (
            f"it holds {', '.join(entry.name for entry in inside[:9])}"
            if inside
            else "it holds no checkpoint"
        )
        raise BackendUnavailable(
            f"{path} is a folder, {known.name} is one file, {known.file}; {held}.",
            remedy="Name the file itself.",
        )
    return _file(chosen[0], known) if chosen[0].is_file() else _gone(chosen[0])


def _gone(path: Path) -> Path:
    raise BackendUnavailable(
        f"{path.name} {not_there(path)}.", remedy="Fetch it again, or name the file itself."
    )


def _cut_or_packed(path: Path) -> str | None:
    with path.open("rb") as stream:
        start = stream.read(9)
    if start[:2] == b"PK" and pickled(start) and not zipfile.is_zipfile(path):
        return f"is cut off: the end of the archive is missing, at {path.stat().st_size:,} bytes"
    return "is an archive: unpack it first" if _archive(path) else None


def _archive(path: Path) -> bool:
    """A zip or tar that somebody packed; torch's own checkpoints are zips too, with data.pkl in
    them."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return not any(name.endswith("data.pkl") for name in packed.namelist())
    return path.name.endswith((".tar", ".tgz", ".tar.gz", ".7z", ".zst")) or (
        path.suffix in (".gz", ".xz") and tarfile.is_tarfile(path)
    )
