"""`inbox3d once` that is ended before its job: the job stays, and the fleet that it started does not."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from layout.init import init
from layout.tree import State
from pipeline.watchers.members import ours
from tests.support.drops import stl_file
from tests.support.live import QUICK, House, eventually

pytestmark = pytest.mark.slow


def fleets(root: Path) -> list[int]:
    """Processes of a fleet on the tree ROOT."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(root).encode() in words and (
            b"up" in words or b"pipeline.watchers.process" in words
        ):
            found.append(int(folder.name))
    return found


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_once_takes_over_from_a_fleet_that_ends(tmp_path: Path, end: signal.Signals) -> None:
    """Killed or drained while the job waits: it is said, the job is done, and this fleet ends too."""
    house = House(tmp_path, {"INBOX3D_INTAKE__QUIET_LOCAL": "1"})
    up = house.up("--queues", "scan")  # it watches, but serves only some queues
    finisher = house.up("--queues", "finish,prepare,views,mesh", name="second")
    try:
        eventually(lambda: len(house.heartbeats()) >= 4, 60, "two intakes and two workers beat")
        (house.atlas.root / "HALT").touch()
        command = ours("pipeline once", house.atlas.root, str(stl_file(tmp_path / "part.stl")))
        words = tmp_path / "words"
        with words.open("wb") as file:
            once = subprocess.Popen(
                command, stderr=file, stdout=subprocess.PIPE, text=True, env=house.environment
            )
        eventually(
            lambda: "The line is halted by HALT" in words.read_text() or None,
            60,
            "the job stands in inbox/, which is told",
        )
        assert house.atlas.places(State.INBOX)
        for fleet in (up, finisher):
            fleet.send_signal(end)
            fleet.wait(100)
        (house.atlas.root / "HALT").unlink()
        out, _ = once.communicate(timeout=200)
    finally:
        house.close()
    assert once.returncode == 0 and Path(out.strip().splitlines()[-1]).parent == house.atlas.done
    assert "any more: starting one for this job" in words.read_text()


def _listens_to_the_keyboard() -> None:
    """A suite that a shell runs in the background has SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 130), (signal.SIGHUP, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)],
)
def test_once_takes_its_fleet_along_and_leaves_the_job(
    tmp_path: Path, number: int, code: int
) -> None:
    atlas = init(tmp_path / "atlas")[0]
    (atlas.root / "HALT").touch()  # so that the job waits
    environment = (
        os.environ | QUICK | {"INBOX3D_HOST__SCRATCH": str(tmp_path / "state" / "scratch")}
    )
    command = ours("pipeline once", atlas.root, str(stl_file(tmp_path / "part.stl")))
    once = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=_listens_to_the_keyboard,
    )
    eventually(lambda: len(fleets(atlas.root)) >= 3, 60, "up, intake and worker run")
    once.send_signal(number)
    said = once.communicate(timeout=120)[1]
    assert once.returncode == code and "The line is halted by HALT" in said
    assert ("The job stays" in said) == (number != signal.SIGKILL)
    eventually(lambda: not fleets(atlas.root), 60, "the fleet is gone")
    assert [place.state for place in atlas.places(State.INBOX)] == [State.INBOX]
