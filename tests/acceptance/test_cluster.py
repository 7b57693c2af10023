"""Workers that Ray places on two hosts: one is lost in the middle of its jobs, and all are done elsewhere, none twice."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from layout.manifest import read_job
from layout.promote import verify
from layout.tree import State
from tests.support.cluster import Net, network
from tests.support.drops import stl_file
from tests.support.live import House, eventually, house

pytestmark = pytest.mark.slow
JOBS = 12


def test_a_lost_host_of_the_cluster_loses_no_job(tmp_path: Path) -> None:
    """What it had in hand is started again elsewhere; the worker comes back on the next host that joins."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("networks of their own for the hosts need root and iproute2's ip")
    with network(tmp_path) as net, house(tmp_path) as line:
        head = net.join("head", 0)
        hosts = {name: net.join(name, 1) for name in ("alpha", "beta")}
        line.environment |= net.environment("head")
        line.up("--fleet", "ray", prefix=tuple(net.inside(head)))
        eventually(lambda: _serving(line) == {"alpha", "beta"} or None, 120, "two workers")
        for number in range(JOBS):
            stl_file(line.atlas.inbox / f"part {number}.stl", number)
        lost, jobs = eventually(lambda: _caught(line, net, hosts), 60, "a host caught in a job")
        net.lose(hosts[lost])
        net.join("gamma", 1)
        eventually(lambda: len(line.places(State.DONE)) == JOBS or None, 120, line.tail())
        done = {
            place.id: read_job(line.atlas.disk, place.path) for place in line.places(State.DONE)
        }
        assert {job.source.name for job in done.values() if job} == {
            f"part {number}.stl" for number in range(JOBS)
        }
        for id, job in done.items():
            assert job is not None
            assert verify(line.atlas.disk, line.atlas.done / id / "output")
            assert (len(job.starts) > 1) == (id in jobs), job.starts
        eventually(lambda: "gamma" in _serving(line) or None, 60, f"a worker there ({line.tail()})")


def test_a_cluster_that_is_not_there_or_open_to_all_is_refused(atlas_house: House) -> None:
    atlas_house.environment |= {"RAY_ADDRESS": "127.0.0.1:1", "RAY_AUTH_TOKEN": "0" * 64}
    atlas_house.environment["RAY_AUTH_MODE"] = "disabled"
    assert atlas_house.up("--fleet", "ray").wait(60) == 3
    assert "anybody could run programs" in atlas_house.tail()


def _serving(line: House) -> set[str]:
    """The hosts whose workers beat."""
    return {beat.worker.partition("-")[0] for beat in line.heartbeats() if beat.role == "worker"}


def _caught(line: House, net: Net, hosts: dict[str, str]) -> tuple[str, set[str]] | None:
    """A host that stands still with a job in hand, and the job's id."""
    for name in hosts:
        net.freeze(hosts[name])
        jobs = {
            place.id
            for place in line.places(State.PROCESSING)
            if place.path.name.partition("@")[2].startswith(f"{name}-")
        }
        if jobs:
            return name, jobs
        net.thaw(hosts[name])
    return None
