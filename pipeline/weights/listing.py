"""What `inbox3d models list` and `verify` say of every model."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipeline.errors import BackendUnavailable
from pipeline.weights import folder as looks
from pipeline.weights import record
from pipeline.weights.catalogue import DOWNLOADS, INDEX, KNOWN, MATTING, WEIGHTS
from pipeline.weights.record import Each


class Row(NamedTuple):
    """A model: whether it is here, what is wrong with it, and what else is to be said of it."""

    name: str
    licence: str
    present: bool
    problem: str | None
    gigabytes: float
    note: str = ""


def listing(models: Path) -> list[Row]:
    """Every known model and every other folder of MODELS; headers are read, contents are not."""
    return [_row(models, name, *_look(models, name)) for name in _names(models)]


def verify(models: Path, each: Each = lambda name, k, count: None) -> list[Row]:
    """The same for what is present, with every SHA-256 computed and compared with the recorded one,
    and every tensor's size compared with its network. Where none was recorded, because somebody put
    the files there by hand, it is now, and the row says so."""
    rows = []
    for name in (name for name in _names(models) if (models / name).exists()):
        trouble, note = _look(models, name)
        if name != MATTING and (name in KNOWN or _ours(models / name)):

            def told_of(file: str, k: int, count: int, name: str = name) -> None:
                each(f"{name}/{file}", k, count)

            found, told = _compared(models / name, trouble, told_of)
            trouble, note = "; ".join(dict.fromkeys(found)) or None, told or note
        rows.append(_row(models, name, trouble, note))
    return rows


def _names(models: Path) -> list[str]:
    found = (
        sorted(path.name for path in models.iterdir() if path.is_dir()) if models.is_dir() else []
    )
    return [*KNOWN, *(name for name in found if name not in KNOWN and not name.startswith("."))]


def _ours(folder: Path) -> bool:
    return (folder / INDEX).is_file() or (folder / WEIGHTS).is_file()


def _look(models: Path, name: str) -> tuple[str | None, str]:
    """(the problem, a note) of one name, by a quick look."""
    if name == MATTING:
        return looks.matting(models), "cuts objects out of pictures"
    if name not in KNOWN and not _ours(models / name):
        return None, "none of ours: not looked into"
    if not (models / name).exists() and (models / DOWNLOADS / name).is_dir():
        return looks.problem(models, name), f"partly fetched: `inbox3d models pull {name}` goes on"
    like = (
        next((known for known in KNOWN if known != name and known in _likely(name)), None)
        if name not in KNOWN
        else None
    )
    note = f"not known under this name: rename it to {like}" if like else ""
    return looks.problem(models, name), note


def _likely(name: str) -> tuple[str, ...]:
    """Known names that a folder called NAME may mean: FLUX.1-schnell, flux_schnell."""
    plain = name.lower().replace("_", "-")
    return (
        plain,
        *(
            known.name
            for known in KNOWN.values()
            if known.hub.rpartition("/")[2].lower() == plain and known.entries
        ),
    )


def _compared(folder: Path, trouble: str | None, each: Each) -> tuple[list[str], str]:
    try:
        rows = record.recorded(folder)
        if rows is not None:
            found = ([trouble] if trouble else []) + record.differences(folder, rows, each)
            return found or _tensors(folder), ""
    except BackendUnavailable as error:
        return [trouble or error.message], ""
    if trouble:
        return [trouble], ""
    loaded = looks.loaded(folder)
    strange = [
        f"{name} is extra: delete it" for name in record.on_disk(folder) if name not in loaded
    ]
    strange += _tensors(folder)
    try:
        record.write(
            folder, record.sums(folder, loaded, each), {"file": "found in the models folder"}
        )
    except OSError:
        return strange, "no checksums were recorded for it, and the folder cannot be written"
    return strange, "whole; no checksums were recorded for it, they are from now on"


def _tensors(folder: Path) -> list[str]:
    """How our own networks' files differ from the networks; what diffusers loads is compared when
    it is loaded."""
    network = KNOWN[folder.name].network if folder.name in KNOWN else ""
    in_parts = (folder / INDEX).is_file()
    if in_parts and network in ("", "diffusers"):
        return []
    try:
        from pipeline.weights import assembling, loading
    except ModuleNotFoundError:  # a host that only keeps models; the checksum was right
        return []
    try:
        trouble = assembling.difference(folder, network) if in_parts else loading.difference(folder)
    except BackendUnavailable as error:
        trouble = error.message
    return [trouble] if trouble else []


def _row(models: Path, name: str, problem: str | None, note: str) -> Row:
    size = sum(path.stat().st_size for path in (models / name).rglob("*") if path.is_file())
    licence = KNOWN[name].licence if name in KNOWN else "unknown"
    return Row(name, licence, (models / name).exists(), problem, size / 2**30, note)
