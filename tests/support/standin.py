"""A process of a fleet whose engine stands in for GPUs: stages take as long as the drop says, hold as much memory as they declared, and write
down when they ran.

    python -m tests.support.standin --events FILE --role worker …    as pipeline.watchers.process
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from pipeline import recipes
from pipeline.artefacts import Dropped, Exported, Mesh, Views
from pipeline.errors import MemoryExceeded
from pipeline.gpu import leg
from pipeline.progress import needs
from pipeline.recipes import Leg, Recipe
from pipeline.watchers import process, worker
from pipeline.workspace import Workspace
from tests.support.fleet import Here

HERE = "tests.support.standin"
PER_BYTE = 0.1  # megabytes of memory that a stage needs for a byte of the drop
EVENTS = "INBOX3D_STANDIN_EVENTS"


def _run(stage: str, dropped: Dropped, ws: Workspace) -> None:
    """The first line of the drop: seconds of each leg, as JSON."""
    began = time.time()
    time.sleep(json.loads((ws.input / dropped.names[0]).read_text().splitlines()[0])[stage])
    with Path(os.environ[EVENTS]).open("a") as file:
        row = {"stage": stage, "began": began, "ended": time.time(), "pid": os.getpid()}
        row["job"] = ws.root.name.partition("@")[0]
        file.write(json.dumps(row) + "\n")


def views(dropped: Dropped, ws: Workspace) -> Views:
    _run("views", dropped, ws)
    return Views(views=())


def mesh(dropped: Dropped, ws: Workspace) -> Mesh:
    _run("mesh", dropped, ws)
    ws.path("mesh.npz").write_bytes(b"mesh")
    return Mesh(arrays="mesh.npz", vertices=3, faces=1, watertight=False, manifold=False)


def finish(dropped: Dropped, ws: Workspace) -> Exported:
    _run("finish", dropped, ws)
    ws.output("model.glb").write_text("model")
    return Exported(files_written=("model.glb",), faces=1)


class StandIn(Here):
    """The engine of a worker that may use MEMORY bytes: a leg that needs more dies of it."""

    def __init__(self, queues: object, environment: object, deadline: float, memory: int) -> None:
        super().__init__()
        self.memory = memory

    def run(self, order: object, heard: object, tick: object) -> None:  # type: ignore[override]
        size = sum(path.stat().st_size for path in Path(order.input).iterdir())  # type: ignore[attr-defined]
        need = int(needs.MEGABYTE * PER_BYTE * size)
        if needs.ENGINE + need > self.memory:
            raise MemoryExceeded(f"Stage x needed {need}; this worker may use {self.memory}.")
        leg._peak = lambda: need
        super().run(order, heard, tick)  # type: ignore[arg-type]


def install() -> None:
    """What is converted goes through stand-ins, in the three roles of the mission."""
    legs = tuple(Leg(name, (f"{HERE}:{name}",)) for name in ("views", "mesh", "finish"))
    recipes.RECIPES["convert"] = Recipe("convert", legs)
    needs.OTHERS = lambda asked: PER_BYTE * asked.bytes
    worker.Engine = StandIn  # type: ignore[misc,assignment]


if __name__ == "__main__":
    at = sys.argv.index("--events")
    os.environ[EVENTS] = sys.argv[at + 1]
    del sys.argv[at : at + 2]
    install()
    sys.exit(process.main())
