"""Workers that Ray places on two hosts: one is lost in the middle of its jobs, and all are done elsewhere, none twice."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from layout.manifest import read_job
from layout.promote import verify
from layout.signs import Heartbeat
from layout.tree import State
from pipeline.watchers.members import ours
from tests.support.cluster import GB, Net, network
from tests.support.drops import stl_file
from tests.support.live import House, eventually, house

pytestmark = pytest.mark.slow
JOBS = 12


def test_a_lost_host_of_the_cluster_loses_no_job(tmp_path: Path) -> None:
    """What it had in hand is started again elsewhere; the worker comes back on the next host that joins."""
    need_network()
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


def test_the_engines_of_a_host_have_its_memory_once(tmp_path: Path) -> None:
    """As where one host is served. A host too small for its rows adds no workers, and is named with what to do; Ray may put one there that fits."""
    need_network()
    rows = "[[host.workers]]\ndevices = ['cpu']\ncount = 2\nthreads = 1\nmemory_gb = 1.5\n"
    (tmp_path / "host.toml").write_text(rows)
    with network(tmp_path) as net, house(tmp_path) as line:
        head = net.join("head", 0)
        net.join("alpha", 2, 4 * GB)
        net.join("beta", 2, 2 * GB)
        line.environment |= net.environment("head")
        line.environment["INBOX3D_HOST_CONFIG"] = str(tmp_path / "host.toml")
        command = ours("pipeline up", line.atlas.root, "--fleet", "ray", "--listen", "off")
        planned = subprocess.run(
            [*net.inside(head), *command, "--dry-run"],
            env=line.environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        worker = "cpu, 1 cores, 1.5 GiB: scan, prepare, views, mesh, finish\n"
        assert planned.stdout == 2 * worker, planned.stderr
        line.starts([*net.inside(head), *command])
        beats = eventually(lambda: _workers(line, 2), 120, f"two workers ({line.tail()})")
        assert [beat.memory for beat in beats] == [int(1.5 * GB)] * 2
        hosts = Counter(beat.worker.partition("-")[0] for beat in beats)
        assert hosts in ({"alpha": 2}, {"alpha": 1, "beta": 1})  # two fill beta
        (told,) = [each for each in line.tail().splitlines() if "cluster.refused" in each]
        assert "3.0 GB together, and this host has 2.0 GB" in told and "memory_gb" in told
        stl_file(line.atlas.inbox / "part.stl")
        eventually(lambda: line.places(State.DONE) or None, 60, line.tail())


def test_a_cluster_that_is_not_there_or_open_to_all_is_refused(atlas_house: House) -> None:
    atlas_house.environment |= {"RAY_ADDRESS": "127.0.0.1:1", "RAY_AUTH_TOKEN": "0" * 64}
    atlas_house.environment["RAY_AUTH_MODE"] = "disabled"
    assert atlas_house.up("--fleet", "ray").wait(60) == 3
    assert "anybody could run programs" in atlas_house.tail()


def need_network() -> None:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("networks of their own for the hosts need root and iproute2's ip")


def _workers(line: House, many: int) -> list[Heartbeat] | None:
    found = [beat for beat in line.heartbeats() if beat.role == "worker"]
    return found if len(found) == many else None


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
