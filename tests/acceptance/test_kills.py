"""Processes are killed with SIGKILL at random moments; every job still ends in done/ with one result."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from layout.manifest import JobFile
from layout.promote import verify
from layout.tree import Place, State
from pipeline.gpu.engine import children
from tests.support.drops import small_scan
from tests.support.live import House, eventually, sums

pytestmark = pytest.mark.slow
MANY = [pytest.param(3, id="three"), pytest.param(20, id="twenty", marks=pytest.mark.proof)]


def kill_engine(house: House) -> None:
    """The confined grandchild if there is one, else the engine."""
    for parent in house.worker_pids():
        family = children(parent)
        if family:
            with suppress(ProcessLookupError):
                os.kill(family[-1], signal.SIGKILL)


def kill_parent(house: House) -> None:
    for pid in house.worker_pids():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_all(house: House) -> None:
    House.kill_group(house.ups[-1])
    house.up()


KILLS = (kill_engine, kill_parent, kill_all)


def drop(house: House, source: Path, name: str) -> dict[str, str]:
    """Copy SOURCE beside inbox/ and drag it in; returns its checksums."""
    waiting = house.atlas.root / f"{name}.copying"
    shutil.copytree(source, waiting)
    waiting.rename(house.atlas.inbox / name)
    return sums(source)


def killed_once(
    house: House, source: Path, name: str, kill: object, moment: float
) -> tuple[Place, JobFile]:
    """Drop SOURCE, kill MOMENT seconds after it started to run (or at once if it is about to end), wait for its end."""
    before = drop(house, source, name)
    eventually(
        lambda: (place := house.where(name)) and place.state is State.PROCESSING,
        60,
        f"{name} starting ({house.tail()})",
    )
    deadline = time.monotonic() + moment
    while (
        time.monotonic() < deadline
        and (place := house.where(name))
        and place.state is State.PROCESSING
    ):
        time.sleep(0.02)
    kill(house)  # type: ignore[operator]
    place, job = house.ended(name, 180)
    assert sums(place.path / "input" / name) == before
    return place, job


@pytest.mark.timeout(900)
@pytest.mark.parametrize("many", MANY)
def test_scans_with_one_kill_each_all_end_in_done_with_one_result(
    atlas_house: House, tmp_path: Path, many: int
) -> None:
    """The engine, the worker and the whole ``up`` in turn, at moments drawn at random."""
    source = small_scan(tmp_path / "source")
    rng = random.Random(0)
    atlas_house.up()
    drop(atlas_house, source, "unharmed")
    _, first = atlas_house.ended("unharmed", 120)
    length = sum(first.provenance.times.values())
    counted = 0
    for number in range(many):
        place, job = killed_once(
            atlas_house, source, f"scan-{number}", KILLS[number % 3], rng.uniform(0, 0.9 * length)
        )
        assert place.state is State.DONE, (place.path / "error.txt").read_text()
        assert verify(atlas_house.atlas.disk, place.path / "output")
        assert job.starts[-1].n == len(job.starts)
        counted += any(start.noted is None for start in job.starts[:-1])
    assert counted >= many - max(
        1, many // 6
    )  # a kill drawn for the last instant may find the job finished
    eventually(
        lambda: not atlas_house.leftovers() or None,
        30,
        f"an empty machinery: {atlas_house.leftovers()}",
    )
    assert len(list(atlas_house.atlas.done.iterdir())) == many + 1
