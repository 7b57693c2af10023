"""The examples of /docs as they stand there, by curl, against a real service."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from layout import lifecycle
from layout.signs import Progress
from layout.tree import Atlas, Place, State
from tests.support.web import GLB, PLY, Server, forge
from webapi.routes.examples import EXAMPLES, filled

pytestmark = pytest.mark.slow
OUTPUT = {"model.glb": GLB, "thumbnail.png": b"\x89PNG\r\n\x1a\n", "report.html": b"<p>"}
STREAMS = ("events", "job_events")
NEEDS = {  # where the job stands that an example is about; else it is done
    "cancel": State.CLAIMED, "many": State.CLAIMED, "retry": State.FAILED, "job_events": State.PROCESSING,
}  # fmt: skip


def made(atlas: Atlas, name: str) -> Place:
    progress = Progress(stage="finish.export", fraction=0.5, message="x")
    state = NEEDS.get(name, State.DONE)
    place = forge(atlas, state, output=OUTPUT, progress=progress, faces=900)
    if name == "restore":
        lifecycle.delete(atlas, place)
    return place


def test_every_example_of_the_docs_runs(
    server: Server, atlas: Atlas, tmp_path: Path, program: Callable[[str], Path]
) -> None:
    """In a shell, with nothing but the address and a job put in. Streams are left after a second."""
    curl = program("curl")
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name in ("pass1.ply", "pass2.ply"):
        (shelf / name).write_bytes(PLY)
    for name in ("front.png", "back.png"):
        Image.new("RGB", (8, 8), "red").save(shelf / name)
    refused = {}
    for name in EXAMPLES:
        place = made(atlas, name)
        limit = "--max-time 1" if name in STREAMS else "--max-time 20"
        script = f'curl() {{ "{curl}" -sS --fail-with-body {limit} "$@"; }}\nset -eu\n'
        script += filled(name, server.url, place.id)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=shelf,
            capture_output=True,
            text=True,
            env=os.environ,
            timeout=60,
        )
        if done.returncode not in ((28,) if name in STREAMS else (0,)):
            refused[name] = (done.returncode, done.stdout, done.stderr)
        if name in STREAMS:
            assert "data:" in done.stdout or name == "events"
    assert refused == {}
    assert (shelf / "models.zip").read_bytes().startswith(b"PK")
    assert (shelf / "model.glb").read_bytes() == GLB
