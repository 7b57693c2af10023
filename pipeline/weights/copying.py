"""A model's folder copied whole or not at all, piece by piece."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from pipeline.errors import BackendUnavailable
from pipeline.weights import folder as looks
from pipeline.weights import record
from pipeline.weights.catalogue import FACTS, Known
from pipeline.weights.parts import PicklesOnly
from pipeline.weights.place import room
from pipeline.weights.record import Each

PIECE = 1 << 22


def copy_folder(source: Path, made: Path, known: Known, each: Each) -> None:
    """Copy what is loaded of the diffusers folder SOURCE to MADE, links followed, and record every
    checksum."""
    try:
        names = looks.loaded(source, known.entries)
        trouble = looks.other_model(source, known)
    except BackendUnavailable as error:
        raise BackendUnavailable(
            f"{source} cannot be imported: {error.message}.", remedy=_cure(error, known)
        ) from None
    if trouble:
        raise BackendUnavailable(
            f"{source} is not {known.name}: it {trouble}.", remedy="Name that model with --name."
        )
    room(made.parent, sum((source / name).stat().st_size for name in names), known.name)
    told, sums = _carried(source), dict[str, str]()
    for k, name in enumerate(names):
        each(name, k + 1, len(names))
        sums[name] = copied(source / name, made / name)
        if name in told and told[name]["sha256"] != sums[name]:
            raise BackendUnavailable(
                f"{source / name} was damaged on its way: its SHA-256 is not the one in {FACTS}.",
                remedy="Carry it here again.",
            )
    origin = record.facts(source)["origin"] if told else {"file": source.name}
    record.write(made, sums, origin)


def _carried(source: Path) -> dict[str, dict[str, Any]]:
    """The checksums that came with SOURCE, from another host's models folder; {} where none did."""
    try:
        return record.recorded(source) or {}
    except BackendUnavailable as error:
        cure = (
            f"Carry the folder here again, or take {FACTS} away to import it without comparing"
            " checksums."
        )
        raise BackendUnavailable(f"{source}: {error.message}.", remedy=cure) from None


def _cure(trouble: BackendUnavailable, known: Known) -> str:
    if isinstance(trouble, PicklesOnly):
        return (
            "Pickles can hold programs and are never loaded. Fetch the safetensors files of"
            f" {known.hub}, or load the folder with diffusers on a machine that you can spare and"
            " write it with save_pretrained(…, safe_serialization=True)."
        )
    return f"Fetch what is named from {known.hub}, or let `inbox3d models pull {known.name}` do it."


def copied(source: Path, target: Path) -> str:
    """Copy bytes, not rights (a source on a read-only disk must not make ours so); the SHA-256."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with source.open("rb") as come, target.open("wb") as go:
        while piece := come.read(PIECE):
            digest.update(piece)
            go.write(piece)
        go.flush()
        os.fsync(go.fileno())
    return digest.hexdigest()
