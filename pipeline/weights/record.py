"""model.json of a diffusers folder: the size and SHA-256 of every file as it was when it came here,
and where it came from."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import BackendUnavailable
from pipeline.weights.catalogue import FACTS, INDEX, WEIGHTS
from pipeline.weights.tensorfile import sha256

# hears a file's name, its place in the row, how many there are
Each = Callable[[str, int, int], None]


def facts(folder: Path) -> dict[str, Any]:
    """The content of model.json, of our own networks and of recorded diffusers folders."""
    try:
        said = json.loads((folder / FACTS).read_text())
    except (OSError, ValueError):
        raise BackendUnavailable(f"{FACTS} is missing or cannot be read") from None
    needed = {"network", "files"} if (folder / INDEX).is_file() else {"network", "sizes", "sha256"}
    if not isinstance(said, dict) or said.get("format") != 1 or not needed <= said.keys():
        raise BackendUnavailable(f"{FACTS} is not of format 1")
    return said


def write(folder: Path, sums: dict[str, str], origin: dict[str, Any]) -> None:
    """Record SUMS, path below FOLDER → SHA-256."""
    files = {
        name: {
            "size": (found := (folder / name).stat()).st_size,
            "sha256": digest,
            "changed": found.st_mtime_ns,
        }
        for name, digest in sorted(sums.items())
    }
    text = json.dumps(
        {"format": 1, "network": "diffusers", "files": files, "origin": origin}, indent=1
    )
    (folder / FACTS).write_text(text + "\n")


def recorded(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Path → size and sha256 as recorded; None where nobody recorded any."""
    if not (folder / FACTS).is_file():
        return None
    said = facts(folder)
    return dict(said["files"]) if "files" in said else {WEIGHTS: {"sha256": said["sha256"]}}


def digest(folder: Path, name: str) -> str:
    """SHA-256 of a file: as recorded where the file is untouched since, else computed, once in a
    process."""
    single = not (folder / INDEX).is_file()
    found, row = (folder / name).stat(), facts(folder) if single else {}
    if not single:
        row = (recorded(folder) or {}).get(name, {})
    if (row.get("size"), row.get("changed")) == (found.st_size, found.st_mtime_ns):
        return str(row["sha256"])
    return _digest(folder / name, (found.st_ino, found.st_size, found.st_mtime_ns))


@functools.cache
def _digest(path: Path, stamp: tuple[int, int, int]) -> str:
    return sha256(path)


def stamp(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What tells, without reading a file, that FOLDER holds other files than before; () where it is
    not there. A file behind a link counts for what it is."""
    with contextlib.suppress(OSError):
        return tuple(
            (name, found.st_ino, found.st_size, found.st_mtime_ns)
            for name in on_disk(folder)
            for found in [(folder / name).stat()]
        )
    return ()


def on_disk(folder: Path) -> list[str]:
    """Paths of all files below FOLDER but model.json and hidden ones."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return sorted(
        path.as_posix()
        for path in found
        if path.name != FACTS and not any(part.startswith(".") for part in path.parts)
    )


def differences(folder: Path, rows: dict[str, dict[str, Any]], each: Each) -> list[str]:
    """Every file of FOLDER that is missing, extra, or not as its row says, in words; each file is
    read once, whole."""
    there, found = set(on_disk(folder)), []
    for k, (name, row) in enumerate(rows.items()):
        each(name, k + 1, len(rows))
        if name not in there:
            found.append(f"{name} is missing")
        elif "size" in row and (size := (folder / name).stat().st_size) != row["size"]:
            found.append(f"{name} has {size:,} bytes, {row['size']:,} were recorded")
        elif sha256(folder / name) != row["sha256"]:
            found.append(f"{name} is corrupt: its SHA-256 is not the one in {FACTS}")
    return [*found, *(f"{name} is extra: delete it" for name in sorted(there - rows.keys()))]


def sums(folder: Path, names: Iterable[str], each: Each) -> dict[str, str]:
    names = list(names)
    found = {}
    for k, name in enumerate(names):
        each(name, k + 1, len(names))
        found[name] = sha256(folder / name)
    return found
