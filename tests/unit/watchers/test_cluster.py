"""Which workers a cluster's hosts carry, and what is said of those that find no place."""

from __future__ import annotations

import logging
import types
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from layout.tree import Atlas
from pipeline import config
from pipeline.config import SettingsRefused
from pipeline.config.groups import Host, Workers
from pipeline.errors import BackendUnavailable
from pipeline.watchers import cluster, fleet
from pipeline.watchers.carried import Kind, wanted
from pipeline.watchers.cluster import Cluster
from tests.support.trees import new_tree

ABLE = ("scan", "mesh")
AUTO = Workers(devices=("auto",))
GB = 2**30
ATLAS = Atlas("/srv/atlas")


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


def node(cpus: int, gpus: int = 0, alive: bool = True, memory: float = 160.0) -> dict[str, Any]:
    has = {"CPU": cpus, "GPU": gpus, "memory": memory * GB}
    return {"Alive": alive, "NodeManagerAddress": "10.0.20.21", "Resources": has}


class FakeRay:
    """What the fleet asks of Ray; ANSWERS holds what a keeper says next."""

    class exceptions:
        class RayError(Exception):
            """Ray's."""

    def __init__(self, *nodes: dict[str, Any]) -> None:
        self.there = list(nodes)
        self.made: list[dict[str, Any]] = []
        self.answers: list[Any] = []

    def nodes(self) -> list[dict[str, Any]]:
        return self.there

    def remote(self, _: type) -> Any:
        ask = types.SimpleNamespace(remote=lambda: "asked")

        def options(**given: Any) -> Any:
            self.made.append(given)
            return types.SimpleNamespace(remote=lambda *_: types.SimpleNamespace(where=ask))

        return types.SimpleNamespace(options=options)

    def wait(self, asked: list[Any], timeout: float) -> tuple[list[Any], list[Any]]:
        return (asked, []) if self.answers else ([], asked)

    def get(self, _: Any) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_rows_hold_for_every_host_less_the_gpus_that_it_has_not() -> None:
    rows = (
        Workers(devices=("cuda:0", "cuda:1"), queues=("mesh",)),
        Workers(devices=("cpu",), queues=("scan",), threads=4, memory_gb=8),
    )
    found = wanted(rows, ABLE, [node(8, 2), node(4, 1), node(4), node(8, 2, alive=False), node(0)])
    scan = Kind(0, 4, ("scan",), 8 * GB)
    assert Counter(kind.like for kind in found) == {Kind(1, 0, ("mesh",), 0): 3, scan.like: 4}
    assert found.count(scan) == 4


def test_without_rows_a_gpu_has_a_worker_and_a_host_without_has_its_cores() -> None:
    found = wanted((AUTO,), ABLE, [node(8, 2), node(2)])
    assert found == [Kind(1, 0, ABLE, 64 * GB)] * 2 + [Kind(0, 2, ABLE, 128 * GB)]


ROW = (Workers(devices=("cpu",), queues=("scan",), threads=2, count=2, memory_gb=12),)


def test_a_host_without_the_memory_for_its_rows_carries_none_and_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The check was skipped with Ray: jobs that fit nowhere were sent to such a worker."""
    ray = FakeRay(node(4), node(4, memory=16))
    fleet = Cluster(ray, ATLAS, ROW, ABLE)
    for _ in range(3):
        fleet._grow()
    assert [made["memory"] for made in ray.made] == [12 * GB] * 2
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("cluster.refused host=10.0.20.21") and "24.0 GB together" in told
    ray.there = [node(4, memory=16)]
    fleet._grow()
    assert len(ray.made) == 2


def test_rows_for_which_no_host_has_the_memory_are_refused_at_the_start() -> None:
    with pytest.raises(SettingsRefused, match=r"24\.0 GB together, and this host has 16\.0 GB"):
        Cluster(FakeRay(node(4, memory=16)), ATLAS, ROW, ABLE)


def test_a_dry_run_says_what_the_hosts_of_the_cluster_would_run(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not what this host alone would: that was said before."""
    ray = FakeRay(node(4), node(4, memory=16), node(8, 1))
    monkeypatch.setattr(cluster, "connect", lambda: ray)
    host = Host(workers=(*ROW, Workers(devices=("cuda:0",), queues=("mesh",), memory_gb=20)))
    found = fleet.planned(atlas, config.Settings(host=host), (), (), spread=True)
    assert found == ["cpu, 2 cores, 12.0 GiB: scan"] * 2 + [
        "cpu, 2 cores, 12.0 GiB: scan",
        "cpu, 2 cores, 12.0 GiB: scan",
        "cuda, 20.0 GiB: mesh",
    ]
    assert not ray.made and "cluster.refused" in caplog.text


def test_a_host_that_joins_has_workers_and_one_that_is_lost_costs_none() -> None:
    """Whoever was made for a lost host waits in Ray for room, and is not made twice when it is back."""
    ray = FakeRay(node(2))
    fleet = Cluster(ray, ATLAS, (AUTO,), ABLE)
    back = node(2, memory=159)
    for there in ([node(2)], [node(2), node(2)], [node(2)], [node(2), back]):
        ray.there = there
        fleet._grow()
    assert len(ray.made) == len(fleet.keepers) == 2
    assert ray.made[0] == {
        "num_gpus": 0,
        "num_cpus": 2,
        "memory": 128 * GB,
        "max_restarts": -1,
        "max_task_retries": 0,
    }


def test_a_worker_is_named_where_it_goes_when_it_is_lost_and_when_no_host_takes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    ray = FakeRay(node(2))
    fleet = Cluster(ray, ATLAS, (AUTO,), ABLE)
    fleet._grow()
    (kept,) = fleet.keepers
    for answer in ("alpha cpu", "alpha cpu", ray.exceptions.RayError()):
        ray.answers = [answer]
        kept.look(ray)
    for _ in range(40):
        kept.look(ray)
    ray.answers = ["beta cpu"]
    kept.look(ray)
    words = [record.getMessage() for record in caplog.records]
    assert [word.partition(" ")[0] for word in words] == [
        "cluster.placed",
        "cluster.lost",
        "cluster.no_room",
        "cluster.placed",
    ]
    assert "host=alpha cpu" in words[1] and "cores=2" in words[2] and "host=beta" in words[3]


def test_ray_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailable, match="Ray is not installed") as caught:
        cluster.connect()
    assert "inbox3d[cluster]" in str(caught.value.remedy)
