"""`inbox3d models pull`: exactly the files that the pipeline loads, at a pinned revision, compared
with what the hub says, and one copy."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pipeline.errors import BackendUnavailable
from pipeline.weights import folder as looks
from pipeline.weights import hub as hubs
from pipeline.weights import parts, record, whole
from pipeline.weights.catalogue import DOWNLOADS, INDEX, KNOWN, Known, size
from pipeline.weights.hub import Hub, Meta
from pipeline.weights.importing import import_checkpoint, need_torch
from pipeline.weights.line import Tell
from pipeline.weights.place import alone, building, disk_in_words, into_place, remove, room

OTHER = "Name another revision with --revision, or import the model from elsewhere."


def pull(
    name: str,
    models: Path,
    revision: str | None = None,
    token: str | None = None,
    tell: Tell = lambda words: None,
) -> Path:
    """Fetch the published model NAME (needs the internet) and return its folder; what is here and
    right is not fetched again.

    Until all is there it lies in MODELS/.download/NAME, from where the next pull goes on. REVISION
    other than the catalogue's: its checksum is not asked for. BackendUnavailable says why nothing
    comes, and what to do.
    """
    if name not in KNOWN:
        raise BackendUnavailable(
            f"There is no model {name!r}.", remedy=f"Name one of {', '.join(KNOWN)}."
        )
    known = KNOWN[name]._replace(sha256=None) if revision else KNOWN[name]
    if not known.entries:
        need_torch(f"Pulling {name}")
    hub, work = Hub(known, revision or known.revision, token, tell), models / DOWNLOADS / name
    with disk_in_words(models):
        models.mkdir(parents=True, exist_ok=True)
        with alone(models, name):
            (_pull_folder if known.entries else _pull_checkpoint)(hub, known, models / name, work)
        remove(work)
        with contextlib.suppress(OSError):  # it is not there, or another model is being fetched
            work.parent.rmdir()
    return models / name


def _pull_folder(hub: Hub, known: Known, target: Path, work: Path) -> None:
    names = hub.names()
    if INDEX not in names:
        raise BackendUnavailable(f"{known.hub} holds no {INDEX} at {hub.revision}.", remedy=OTHER)
    first = hub.look(INDEX)
    sums = {INDEX: _have(hub, first, target, work)}
    metas = [hub.look(path) for path in _plan(hub, known, whole.index_of(work), names)]
    _room(known, [first, *metas], target, work)
    # a fault in the small ones shows soon
    for k, meta in enumerate(sorted(metas, key=lambda meta: meta.bytes or 0), start=2):
        hub.tell(f"{meta.path} ({size(meta.bytes or 0)}), {k} of {len(metas) + 1}")
        sums[meta.path] = _have(hub, meta, target, work)
    for stray in {path for path in work.rglob("*") if path.is_file()} - {
        work / name for name in sums
    }:
        stray.unlink()
    try:
        whole.check(work, known.entries)
        trouble = looks.other_model(work, known)
    except BackendUnavailable as error:
        trouble = error.message
    if trouble:
        raise BackendUnavailable(f"{known.hub} at {hub.revision}: {trouble}.", remedy=OTHER)
    record.write(work, sums, {"hub": known.hub, "revision": first.commit or hub.commit})
    into_place(work, target)


def _plan(hub: Hub, known: Known, index: dict[str, object], names: list[str]) -> list[str]:
    """Paths of what is loaded of the repository's files NAMES, the index aside."""
    wanted: list[str] = []
    troubles = [f"{INDEX} names no {entry}" for entry in known.entries if not index.get(entry)]
    for part in parts.parts_of(index):
        below = {path.partition("/")[2] for path in names if path.startswith(f"{part.name}/")}
        troubles += parts.missing(part, below)
        wanted += [f"{part.name}/{name}" for name in parts.loaded(part, below)]
    if troubles:
        raise BackendUnavailable(
            f"{known.hub} at {hub.revision}: {'; '.join(troubles)}.", remedy=OTHER
        )
    return wanted


def _pull_checkpoint(hub: Hub, known: Known, target: Path, work: Path) -> None:
    meta = hub.look(known.file)
    if known.sha256 and len(meta.digest or "") == 64 and meta.digest != known.sha256:
        raise BackendUnavailable(
            f"{known.hub}: {known.file} is not the published {known.name}: its SHA-256 is"
            f" {meta.digest}.",
            remedy=(
                "Is HF_ENDPOINT a mirror that errs? --revision main takes what is there, unchecked."
            ),
        )
    if looks.problem(target.parent, known.name) is None and meta.digest == record.facts(target)[
        "origin"
    ].get("sha256"):
        return hub.tell(f"{known.name} is here already")
    _room(known, [meta], target, work, extra=meta.bytes or 0)
    hub.tell(f"{meta.path} ({size(meta.bytes or 0)})")
    origin = {
        "hub": known.hub,
        "revision": meta.commit or hub.commit,
        "file": known.file,
        "sha256": _have(hub, meta, target, work),
    }
    hub.tell(f"converting {known.file} to safetensors")
    with building(target) as made:
        import_checkpoint(work / known.file, made, known, origin=origin)
    return None


def _have(hub: Hub, meta: Meta, target: Path, work: Path) -> str:
    """The file META in WORK: from an earlier pull, from the model that is here (linked, not
    copied), or fetched; its SHA-256."""
    path, old = work / meta.path, target / meta.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() and meta.digest and old.is_file() and old.stat().st_size == meta.bytes:
        with contextlib.suppress(OSError):
            os.link(old.resolve(), path)
    if path.is_file():
        wrong, digest = hubs.wrong(meta, path)
        if wrong is None:
            return digest
        path.unlink()
    return hub.fetch(meta, path)


def _room(known: Known, metas: list[Meta], target: Path, work: Path, extra: int = 0) -> None:
    """Is there room for what is still to come, and EXTRA bytes beside it?"""
    there = (
        sum(path.stat().st_size for path in work.rglob("*") if path.is_file())
        if work.is_dir()
        else 0
    )
    same = sum(
        meta.bytes or 0
        for meta in metas
        if (old := target / meta.path).is_file() and old.stat().st_size == meta.bytes
    )
    room(target.parent, sum(meta.bytes or 0 for meta in metas) + extra - there - same, known.name)
