"""Which model a folder holds, by its name or as the cache of the hub's own tools, and the
snapshot in it."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import BackendUnavailable
from pipeline.weights.catalogue import FACTS, INDEX, KNOWN, Known


def known_names() -> str:
    return f"Name one of {', '.join(KNOWN)} with --name."


def guessed(path: Path) -> Known | None:
    """The model that PATH's own name or place speaks of; for a FLUX pipeline its content
    decides."""
    for known in KNOWN.values():
        hub = known.hub.replace("/", "--")
        if known.file and path.name == known.file:
            return known
        if known.entries and (
            path.name in (known.name, known.hub.rpartition("/")[2])
            or f"models--{hub}" in (path.name, *_cache_names(path))
        ):
            return known
    if path.is_dir() and (path / FACTS).is_file() and path.name in KNOWN:
        return KNOWN[path.name]
    if path.is_dir() and not (path / INDEX).is_file():
        inside = [known for known in KNOWN.values() if known.file and (path / known.file).exists()]
        return inside[0] if len(inside) == 1 else None
    return None


def _cache_names(path: Path) -> list[str]:
    """The models--… folder that a snapshot lies in."""
    return [parent.name for parent in path.parents if parent.name.startswith("models--")][:1]


def out_of_cache(path: Path, known: Known | None) -> Path:
    """The snapshot that a hub cache holds, where PATH is one; else PATH."""
    if not path.is_dir():
        return path
    wanted = f"models--{known.hub.replace('/', '--')}" if known else ""
    if inner := next(
        (found for found in (path / wanted, path / "hub" / wanted) if wanted and found.is_dir()),
        None,
    ):
        path = inner
    elif not known and len(held := [*path.glob("models--*")]) == 1:
        path = held[0]
    elif held := sorted(path.glob("models--*")):
        names = ", ".join(entry.name for entry in held[:20])
        what = f"no {known.hub}" if known else "several models"
        raise BackendUnavailable(
            f"{path} is a hub cache that holds {what}: {names}.",
            remedy="Name one of these folders.",
        )
    if path.name == "snapshots":
        path = path.parent
    snapshots = (
        sorted(entry for entry in (path / "snapshots").glob("*") if entry.is_dir())
        if (path / "snapshots").is_dir()
        else []
    )
    if not snapshots:
        if (path / "blobs").is_dir():
            raise BackendUnavailable(
                f"{path} is a hub cache without a snapshot.",
                remedy="Its download did not end: fetch it again.",
            )
        return path
    main = path / "refs" / "main"
    told = path / "snapshots" / main.read_text().strip() if main.is_file() else None
    if told and told.is_dir():
        return told
    if len(snapshots) == 1:
        return snapshots[0]
    names = ", ".join(entry.name for entry in snapshots)
    raise BackendUnavailable(
        f"{path} holds {len(snapshots)} snapshots and no refs/main: {names}.",
        remedy="Name one of them.",
    )
