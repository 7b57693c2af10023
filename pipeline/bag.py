"""The bag: the artefacts of a job so far, kept as small JSON files beside the arrays they name, so that a leg can be resumed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline import artefacts
from pipeline.artefacts import Artefact

FOLDER, WARNINGS = "artefacts", "warnings.json"


class Kept(NamedTuple):
    stage: str
    artefact: Artefact


def save(root: Path, stage: str, artefact: Artefact) -> None:
    """Put ARTEFACT of STAGE behind the ones already there; whole or not at all."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.glob("*.json")))
    record = {"stage": stage, "type": type(artefact).__name__, "data": artefact.model_dump(mode="json")}
    unfinished = folder / f".{number:02}"
    unfinished.write_text(json.dumps(record))
    unfinished.replace(folder / f"{number:02}-{stage}.json")


def load(root: Path) -> list[Kept]:
    """All artefacts below ROOT, oldest first. Stops at the first one whose files are not all there."""
    found: list[Kept] = []
    for path in sorted((root / FOLDER).glob("*.json")):
        record = json.loads(path.read_text())
        artefact = getattr(artefacts, record["type"]).model_validate(record["data"])
        if not all((root / name).is_file() for name in artefact.files()):
            break
        found.append(Kept(record["stage"], artefact))
    return found


def newest(bag: Iterable[Kept]) -> dict[type[Artefact], Artefact]:
    return {type(kept.artefact): kept.artefact for kept in bag}


def save_warnings(root: Path, warnings: list[str]) -> None:
    unfinished = root / f".{WARNINGS}"
    unfinished.write_text(json.dumps(warnings))
    unfinished.replace(root / WARNINGS)


def load_warnings(root: Path) -> list[str]:
    path = root / WARNINGS
    return list(json.loads(path.read_text())) if path.is_file() else []
