"""`inbox3d once` that is ended before its job: the job stays, and the fleet that it started does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from layout.init import init
from layout.tree import State
from tests.support.drops import stl_file
from tests.support.live import QUICK, eventually

pytestmark = pytest.mark.slow


def fleets(root: Path) -> list[int]:
    """Processes of a fleet on the tree ROOT."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(root).encode() in words and (b"up" in words or b"pipeline.watchers.process" in words):
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_once_takes_its_fleet_along_and_leaves_the_job(tmp_path: Path, number: int, code: int) -> None:
    atlas = init(tmp_path / "atlas")[0]
    (atlas.root / "HALT").touch()  # so that the job waits
    environment = os.environ | QUICK | {"INBOX3D_HOST__SCRATCH": str(tmp_path / "state" / "scratch")}
    command = [sys.executable, "-m", "pipeline", "once", str(stl_file(tmp_path / "part.stl")), "--atlas", str(atlas.root)]
    once = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    eventually(lambda: len(fleets(atlas.root)) >= 3, 60, "up, intake and worker run")
    once.send_signal(number)
    said = once.communicate(timeout=120)[1]
    assert once.returncode == code and "The line is halted by HALT" in said
    assert ("The job stays" in said) == (number != signal.SIGKILL)
    eventually(lambda: not fleets(atlas.root), 60, "the fleet is gone")
    assert [place.state for place in atlas.places(State.INBOX)] == [State.INBOX]
