"""Stages whose result tells what it was made of: the bytes of every file, and the options that each stage was given."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from layout.manifest import JobFile
from pipeline.artefacts import Dropped, Exported, Pass, Scans
from pipeline.errors import InputRejected
from pipeline.kept.declared import Stage
from pipeline.kept.options import Declared
from pipeline.recipes import Leg, Recipe
from pipeline.workspace import StageWorkspace

HERE = "tests.simulation.stages"


class Seeded(Declared):
    seed: int


class Tiered(Declared):
    quality_tier: str


class Formats(Declared):
    output_format: tuple[str, ...]


def reads(dropped: Dropped, ws: StageWorkspace[Seeded]) -> Scans:
    for name in dropped.names:
        if name.startswith("unreadable"):
            raise InputRejected(f"{name} cannot be read.", remedy="Export it again.")
    told = {
        name: f"{hashlib.sha256((ws.input / name).read_bytes()).hexdigest()} {ws.options.seed}"
        for name in dropped.names
    }
    _keep(ws, "read", told)
    passes = (Pass(name=name, arrays="read", points=1) for name in told)
    return Scans(passes=tuple(passes), unit="mm", unit_guessed=False)


def works(scans: Scans, ws: StageWorkspace[Tiered]) -> Scans:
    told = {name: f"{text} {ws.options.quality_tier}" for name, text in _kept(ws, scans).items()}
    _keep(ws, "worked", told)
    passes = (one.model_copy(update={"arrays": "worked"}) for one in scans.passes)
    return scans.model_copy(update={"passes": tuple(passes)})


def tells(scans: Scans, ws: StageWorkspace[Formats]) -> Exported:
    text = json.dumps(_kept(ws, scans), sort_keys=True).encode()
    formats = tuple(dict.fromkeys(("glb", *ws.options.output_format)))
    for suffix in formats:
        ws.output(f"model.{suffix}").write_bytes(text)
    return Exported(files_written=tuple(f"model.{suffix}" for suffix in formats), faces=0)


def _keep(ws: StageWorkspace[Any], name: str, told: dict[str, str]) -> None:
    """What a stage found of each file, in one workspace file."""
    (ws.root / name).write_bytes(json.dumps(told).encode())


def _kept(ws: StageWorkspace[Any], scans: Scans) -> dict[str, str]:
    """What the stage before found of the files that SCANS names."""
    told = {one.arrays: json.loads((ws.root / one.arrays).read_bytes()) for one in scans.passes}
    return {one.name: told[one.arrays][one.name] for one in scans.passes}


class Upgradable(Stage):
    """A stage whose version is that of the host's inbox3d."""

    @property
    def version(self) -> int:  # type: ignore[override]
        return upgrades()


def upgrades() -> int:
    """The version of the process whose turn it is; the simulation puts its own here."""
    return 1


READS, WORKS, TELLS = f"{HERE}:reads", f"{HERE}:works", f"{HERE}:tells"
STAGES = {
    READS: Upgradable(Seeded, (Dropped,), Scans),
    WORKS: Upgradable(Tiered, (Scans,), Scans),
    TELLS: Upgradable(Formats, (Scans,), Exported),
}
RECIPES = {
    "scan": Recipe("scan", (Leg("scan", (READS, WORKS)), Leg("finish", (TELLS,)))),
    "prompt": Recipe(
        "prompt", (Leg("views", (READS,)), Leg("mesh", (WORKS,)), Leg("finish", (TELLS,)))
    ),
}


def expected(job: JobFile) -> tuple[str, set[str]]:
    """The text of model.glb, and the files in output/, that JOB's own words ask for."""
    options: dict[str, Any] = job.options
    seed, tier = options.get("seed", 0), options.get("quality_tier", "standard")
    told = {row.path: f"{row.sha256} {seed} {tier}" for row in job.manifest if row.used}
    formats = dict.fromkeys(("glb", *options.get("output_format", ())))
    return json.dumps(told, sort_keys=True), {f"model.{suffix}" for suffix in formats}
