"""Light stages whose result tells the bytes they were given, leg after leg; how long each takes is told by those bytes too."""

from __future__ import annotations

import hashlib
import time

from pipeline.artefacts import Dropped, Exported, Pass, Scans
from pipeline.recipes import Leg, Recipe
from pipeline.workspace import Workspace

HERE = "tests.chaos.stages"
LONGEST = 0.6  # seconds that a stage may take


def told(content: bytes) -> str:
    """What the result says of a drop of one file with that CONTENT."""
    return hashlib.sha256(content).hexdigest()


def reads(dropped: Dropped, ws: Workspace) -> Scans:
    """The first leg: what was dropped is read once, from the copy of the input."""
    (name,) = dropped.names
    text = told((ws.input / name).read_bytes())
    _waits(text)
    ws.path("told").write_text(text)
    return _artefact("told")


def passes_on(scans: Scans, ws: Workspace) -> Scans:
    """A leg in between: it knows what the leg before handed on, and nothing else."""
    text = (ws.root / scans.passes[0].arrays).read_text()
    _waits(text)
    ws.path("passed").write_text(text)
    return _artefact("passed")


def tells(scans: Scans, ws: Workspace) -> Exported:
    """The last leg."""
    text = (ws.root / scans.passes[0].arrays).read_text()
    _waits(text)
    ws.output("model.glb").write_text(text)
    return Exported(files_written=("model.glb",), faces=0)


def _waits(text: str) -> None:
    time.sleep(LONGEST * int(text[:4], 16) / 0xFFFF)


def _artefact(name: str) -> Scans:
    return Scans(passes=(Pass(name=name, arrays=name, points=1),), unit="mm", unit_guessed=False)


READS, PASSES_ON, TELLS = f"{HERE}:reads", f"{HERE}:passes_on", f"{HERE}:tells"
RECIPES = {
    "convert": Recipe("convert", (Leg("finish", (READS, TELLS)),)),
    "prompt": Recipe(
        "prompt", (Leg("views", (READS,)), Leg("mesh", (PASSES_ON,)), Leg("finish", (TELLS,)))
    ),
}
