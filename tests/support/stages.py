"""Stages that misbehave, for tests of the engine and the worker."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.artefacts import Dropped, Exported, Scans
from pipeline.errors import InputRejected, NoOverlap
from pipeline.workspace import StageWorkspace, Workspace
from tests.support.hostile import map_and_fill


def works(dropped: Dropped, ws: Workspace) -> Exported:
    """Write one result that tells what was dropped."""
    ws.progress(0.5, "half way")
    ws.warn("a word of warning")
    ws.output("model.glb").write_text(" ".join(dropped.names))
    return Exported(files_written=("model.glb",), faces=0)


def segfaults(ws: Workspace) -> Exported:
    ctypes.string_at(0)
    raise AssertionError("unreachable")


def segfaults_once(dropped: Dropped, ws: Workspace) -> Exported:
    """Die on the first start only; scratch remembers."""
    mark = ws.path("died-before")
    if not mark.exists():
        mark.touch()
        ctypes.string_at(0)
    return works(dropped, ws)


def adds_in_parallel(dropped: Dropped, ws: Workspace) -> Exported:
    """OpenMP on two threads, as torch and PyMeshLab use it."""
    import torch

    torch.set_num_threads(2)
    numbers = torch.ones(1_000_000)
    assert float((numbers + 1.0).sum()) == 2_000_000.0
    return works(dropped, ws)


def tells_what_it_may(dropped: Dropped, ws: Workspace) -> Exported:
    ws.warn(f"{ws.assist} {ws.lan}")
    return Exported(files_written=(), faces=0)


def works_when_told(dropped: Dropped, ws: Workspace) -> Exported:
    """Go on when the test has made the file "go" in scratch."""
    deadline = time.monotonic() + 60
    while not ws.path("go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return works(dropped, ws)


def hangs(ws: Workspace) -> Exported:
    time.sleep(3600)
    raise AssertionError("unreachable")


def hogs(ws: Workspace) -> Exported:
    hoard = []
    while True:
        hoard.append(bytearray(os.urandom(1 << 20)) * 16)


def rejects(ws: Workspace) -> Exported:
    raise NoOverlap("No two passes overlap.")


def overflows(ws: Workspace) -> Exported:
    return Exported(files_written=(), faces=1 // 0)


def lacks(ws: Workspace) -> Exported:
    raise ImportError("No module named 'nowhere'")


def prints_and_leaves(ws: Workspace) -> Exported:
    print("a native library says something", flush=True)
    sys.stderr.write("and complains\n")
    os._exit(3)


def breaks_out(ws: Workspace) -> Exported:
    """Try everything that the sandbox forbids; say what worked."""
    worked = []
    for what, attempt in (
        ("write the input", lambda: (ws.input / "x").write_text("1")),
        ("list the home", lambda: list(Path("/root").iterdir())),
        ("write beside", lambda: (ws.root.parent / "x").write_text("1")),
        (
            "connect",
            lambda: socket.create_connection(
                ("127.0.0.1", int((ws.input / "port").read_text())), 1
            ),
        ),
    ):
        try:
            attempt()
            worked.append(what)
        except OSError:
            pass
    if worked:
        raise InputRejected(f"the sandbox let me {', '.join(worked)}")
    return Exported(files_written=(), faces=0)


def adds(exported: Exported, ws: Workspace) -> Exported:
    """A second leg: needs the first one's artefact and adds a file."""
    ws.output("report.html").write_text(f"of {exported.files_written}")
    return exported


def fills(dropped: Dropped, ws: Workspace) -> Exported:
    """Take four megabytes of scratch."""
    ws.path("big").write_bytes(os.urandom(4 << 20))
    return works(dropped, ws)


def fills_by_a_library(dropped: Dropped, ws: Workspace) -> Exported:
    """The same by a library that tells of a full disk in its own words."""
    try:
        return fills(dropped, ws)
    except OSError:
        raise RuntimeError("stream write failed") from None


def fills_without_a_word(dropped: Dropped, ws: Workspace) -> Exported:
    """The same by a library that says nothing at all."""
    with suppress(OSError):
        ws.path("big").write_bytes(os.urandom(4 << 20))
    return works(dropped, ws)


def fills_memory_of_a_file(dropped: Dropped, ws: Workspace) -> Exported:
    """The same through memory: the engine is killed by SIGBUS."""
    map_and_fill(ws.path("big"), 4 << 20)
    return works(dropped, ws)


def is_swept(dropped: Dropped, ws: Workspace) -> Exported:
    """A program that tidies up deletes all that the first start has in scratch."""
    if ws.root.name.endswith(".1"):
        shutil.rmtree(ws.root, ignore_errors=True)
        raise LookupError("what an earlier stage made is not there")
    return works(dropped, ws)


def tells(scans: Scans, ws: StageWorkspace[Any]) -> Exported:
    """A result that shows what it was made of: the height of the first point of each pass, the unit, the formats asked for."""
    from pipeline.geometry import arrays

    heights = {
        one.name: round(float(arrays.load(ws.path(one.arrays))["points"][0, 2]), 3)
        for one in scans.passes
    }
    for suffix in dict.fromkeys(("glb", *ws.options.output_format)):
        ws.output(f"model.{suffix}").write_text(
            json.dumps({"heights": heights, "unit": scans.unit})
        )
    return Exported(files_written=(), faces=0)
