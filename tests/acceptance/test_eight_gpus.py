"""The mission's host, simulated: eight GPUs in two roles and CPU workers of two sizes, as processes of their own whose engines stand in."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from layout.init import init
from layout.manifest import JobFile, read_job
from layout.tree import Atlas, State
from pipeline.config.groups import Workers
from pipeline.submission.submit import submit_path
from pipeline.watchers import members
from pipeline.watchers.roster import Inventory, Role, plan
from tests.support.live import QUICK, eventually

GB = 2**30
HOST = Inventory(tuple(f"cuda:{n}" for n in range(8)), tuple(range(64)), 768 * GB)
ROWS = (
    Workers(devices=HOST.gpus[:4], queues=("views",), memory_gb=64),
    Workers(devices=HOST.gpus[4:], queues=("mesh",), memory_gb=64),
    Workers(devices=("cpu",), queues=("finish",), count=6, threads=2, memory_gb=8),
    Workers(devices=("cpu",), queues=("finish",), count=2, threads=8, memory_gb=64),
)
# INBOX3D_JOBS=40 for a quick look at what the fleet does
JOBS, SECONDS = int(os.environ.get("INBOX3D_JOBS", "500")), 8.0
LARGEST = 40.0  # GB that a job needs: more than most CPU workers have, and of some none of them


class Ran(NamedTuple):
    """A stage of a stand-in: when it ran, in which process."""

    stage: str
    began: float
    ended: float
    pid: int
    job: str


def submit(atlas: Atlas, folder: Path, jobs: int, seconds: float) -> None:
    """JOBS of mixed size: a mesh takes SECONDS in the mean, pictures less, so that meshes are the busy role."""
    chance = random.Random(7)
    for number in range(jobs):
        share = chance.uniform(0.4, 1.6)
        take = {"views": 0.6 * seconds * share, "mesh": seconds * share, "finish": 0.2}
        need = LARGEST * chance.random() ** 3  # GB
        path = folder / f"part-{number}.stl"
        path.write_bytes(json.dumps(take).encode() + b"\n" + bytes(int(10_000 * need)))
        submit_path(atlas, path, {"kind": "convert"})
        path.unlink()


@contextmanager
def running(atlas: Atlas, root: Path, roles: list[Role]) -> Iterator[Path]:
    """The processes of ROLES; ends them by their own ids. Yields the file that says what ran."""
    events = root / "events"
    events.touch()
    environment = os.environ | {
        "INBOX3D_HOST__SCRATCH": str(root / "scratch"),
        "INBOX3D_RUN": str(root / "run"),
        "INBOX3D_INTAKE__TICK": QUICK["INBOX3D_INTAKE__TICK"],
    }
    base = [sys.executable, "-m", "tests.support.standin", "--events", str(events)]
    with (root / "log").open("wb") as log:
        crew = [
            subprocess.Popen(
                [*base, *members.command(atlas.root, "prometheus", role)[3:]],
                env=environment,
                stdout=log,
                stderr=log,
            )
            for role in roles
        ]
        try:
            yield events
        finally:
            for process in crew:
                process.terminate()
            for process in crew:
                process.wait(60)


def play(root: Path, jobs: int, seconds: float) -> tuple[list[Ran], list[JobFile]]:
    """What ran where, and the jobs as they ended."""
    atlas = init(root / "atlas")[0]
    submit(atlas, root, jobs, seconds)
    roles = [Role("intake", "cpu", ()), *plan(ROWS, ("views", "mesh", "finish"), HOST)]
    assert len(roles) == 1 + 8 + 8
    simulated = [role._replace(cores=()) for role in roles]  # this machine has fewer
    with running(atlas, root, simulated) as events:
        eventually(
            lambda: len(atlas.names(State.DONE)) + len(atlas.names(State.FAILED)) >= jobs or None,
            120 + 2 * jobs * seconds / 4,
            f"{jobs} jobs ending ({(root / 'log').read_text()[-1500:]})",
        )
        rows = [Ran(**json.loads(line)) for line in events.read_text().splitlines()]
    assert not atlas.names(State.FAILED)
    found = [read_job(atlas.disk, place.path) for place in atlas.places(State.DONE)]
    return rows, [job for job in found if job is not None]


def occupied(rows: list[Ran], stage: str) -> dict[int, float]:
    """Of each process that serves STAGE, the share of time in which it ran it: from its first start until nothing waited any more."""
    last = max(row.began for row in rows if row.stage == stage)
    own: dict[int, list[Ran]] = defaultdict(list)
    for row in rows:
        if row.stage == stage:
            own[row.pid].append(row)
    return {
        pid: sum(min(row.ended, last) - row.began for row in ran if row.began < last)
        / (last - min(row.began for row in ran))
        for pid, ran in own.items()
    }


def hand_ons(rows: list[Ran]) -> list[float]:
    """Seconds between the end of each job's mesh and the begin of its finish, on a worker of another role that has little to do."""
    ended = {row.job: row.ended for row in rows if row.stage == "mesh"}
    return sorted(row.began - ended[row.job] for row in rows if row.stage == "finish")


@pytest.mark.proof
def test_the_busy_role_is_never_idle_and_nothing_runs_out_of_memory(tmp_path: Path) -> None:
    """500 jobs; each GPU of the busy role at least 95 % occupied; handed on within a second; each leg once."""
    rows, jobs = play(tmp_path, JOBS, SECONDS)
    shares, waits = occupied(rows, "mesh"), hand_ons(rows)
    print(
        f"{JOBS} jobs: occupied {sorted(round(share, 3) for share in shares.values())}; handed on"
        f" after {waits[JOBS // 2]:.2f} s in the middle, {waits[int(0.95 * JOBS)]:.2f} s at 95 %"
    )
    assert Counter(row.stage for row in rows) == {"views": JOBS, "mesh": JOBS, "finish": JOBS}
    assert [start.crash for job in jobs for start in job.starts if start.crash] == []
    assert len(shares) == 4 and min(shares.values()) >= 0.95
    assert waits[int(0.95 * JOBS)] < 1.0 and sum(waits) / JOBS < 1.0
