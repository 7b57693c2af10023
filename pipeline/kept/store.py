"""The bag: the artefacts of a job so far, kept as small JSON files beside the arrays they name, so
that a leg can be resumed.

Each record says what its artefact was made from (pipeline/kept/keys.py) and what else its stage
left: warnings and files below output/. A stage that is done again takes all of that with it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from layout import tree
from pipeline import artefacts
from pipeline.artefacts import Artefact

FOLDER = "artefacts"


class Kept(BaseModel):
    """One artefact and what belongs to it. ``files``: name → size of the workspace files it stands
    on, those below output/ included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str  # "" for what the job begins with
    type: str
    data: dict[str, Any]
    key: str = ""
    version: int = 1  # of the stage that made it
    weights: dict[str, str] = {}  # name → SHA-256 of the weights that went into it
    fetched: dict[str, str] = {}  # address → SHA-256 of what came from there
    warnings: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()  # relative to output/
    files: dict[str, int] = {}
    seconds: float | None = None
    packages: dict[str, str] = {}  # name → version, for provenance only

    @classmethod
    def of(
        cls,
        root: Path,
        stage: str,
        artefact: Artefact,
        *,
        outputs: Iterable[str] = (),
        **facts: Any,
    ) -> Self:
        """The record of ARTEFACT as it stands in ROOT."""
        written = tuple(sorted(outputs))
        names = (*artefact.files(), *(f"{tree.OUTPUT}/{name}" for name in written))
        data = artefact.model_dump(mode="json")
        sizes = {name: (root / name).stat().st_size for name in names}
        return cls(
            stage=stage,
            type=type(artefact).__name__,
            data=data,
            outputs=written,
            files=sizes,
            **facts,
        )

    @functools.cached_property
    def artefact(self) -> Artefact:
        kind: type[Artefact] = getattr(artefacts, self.type)
        return kind.model_validate(self.data)

    @functools.cached_property
    def token(self) -> str:
        """What tells this artefact from any other that its stage could have made."""
        parts = [self.key, self.weights, self.fetched, self.warnings, self.type, self.data]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def save(root: Path, position: int, kept: Kept) -> None:
    """Put KEPT, of the stage at POSITION in the job's recipe (0: what it begins with), into the
    bag; whole or not at all."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{position:02}"
    unfinished.write_bytes(kept.model_dump_json().encode())
    drop_record(root, kept.stage)
    unfinished.replace(folder / f"{position:02}-{kept.stage}.json")


def read(text: str | bytes) -> Kept | None:
    """A record; None where it is torn, or of another version of this format."""
    try:
        kept = Kept.model_validate_json(text)
        return kept if kept.artefact else None
    except (ValidationError, AttributeError):
        return None


def load(root: Path) -> list[Kept]:
    """All artefacts below ROOT in the order of their recipe, but those whose files are not all
    there as they were written."""
    found = (read(path.read_bytes()) for _, path in _records(root))
    return [
        one
        for one in found
        if one and all(_size(root / name) == size for name, size in one.files.items())
    ]


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def drop(root: Path, stage: str) -> None:
    """Forget what STAGE made, its files below output/ first."""
    for made_by, path in _records(root):
        if made_by == stage and (kept := read(path.read_bytes())) is not None:
            for name in kept.outputs:
                (root / tree.OUTPUT / name).unlink(missing_ok=True)
    drop_record(root, stage)


def drop_record(root: Path, stage: str) -> None:
    for made_by, path in _records(root):
        if made_by == stage:
            path.unlink()


def _records(root: Path) -> list[tuple[str, Path]]:
    """Stage and path of every record below ROOT, in the order of the recipe."""
    try:
        with os.scandir(root / FOLDER) as entries:
            names = sorted(entry.name for entry in entries)
    except FileNotFoundError:
        return []
    return [
        (name.partition("-")[2].removesuffix(".json"), root / FOLDER / name)
        for name in names
        if name.endswith(".json")
    ]


def keep_only(root: Path, wanted: Iterable[Kept]) -> None:
    """Leave in ROOT the records that are WANTED, and below output/ only what belongs to them."""
    kept = list(wanted)
    stages, owned = {one.stage for one in kept}, {name for one in kept for name in one.outputs}
    for made_by, path in _records(root):
        if made_by not in stages:
            path.unlink()
    for name in outputs(root).keys() - owned:
        (root / tree.OUTPUT / name).unlink()


def outputs(root: Path) -> dict[str, tuple[int, int]]:
    """The files below output/ by name, with what shows that one was written anew."""
    folder = root / tree.OUTPUT
    found = {
        path.relative_to(folder).as_posix(): path.stat()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: (stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def newest(bag: Iterable[Kept]) -> dict[type[Artefact], Artefact]:
    return {type(artefact): artefact for artefact in (kept.artefact for kept in bag)}


def warnings(bag: Iterable[Kept]) -> list[str]:
    """What the stages said, each sentence once."""
    return list(dict.fromkeys(text for kept in bag for text in kept.warnings))


def packages(bag: Iterable[Kept]) -> dict[str, str]:
    """Versions of the packages that made what is in the bag; several, where hosts differ."""
    found: dict[str, list[str]] = {}
    for kept in bag:
        for name, version in kept.packages.items():
            found[name] = list(dict.fromkeys([*found.get(name, ()), version]))
    return {name: ", ".join(versions) for name, versions in found.items()}
