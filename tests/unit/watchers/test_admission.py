"""Jobs that are too large for a worker's memory: they wait with words, or for one where they fit; those behind them go on."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import accept, lifecycle, names
from layout.accept import AcceptedRequest
from layout.manifest import read_job
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline import config, recipes
from pipeline.cli import _serving
from pipeline.config.groups import Workers
from pipeline.errors import MemoryExceeded, SubmitRefused
from pipeline.gpu.engine import Event, Order
from pipeline.recipes import Leg, Recipe
from pipeline.submission import capacity, preflight
from pipeline.watchers.roster import Inventory, Role, plan
from pipeline.watchers.worker import Worker
from tests.support.fleet import Here
from tests.support.live import eventually
from tests.support.trees import new_tree
from tests.support.workers import made

GB = 2**30


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    leg = Leg("scan", ("tests.support.stages:works",))
    monkeypatch.setitem(recipes.RECIPES, "convert", Recipe("convert", (leg,)))
    monkeypatch.setattr("pipeline.progress.needs.OTHERS", lambda asked: 300 + asked.bytes / 1e6)


@pytest.fixture
def workers(atlas: Atlas, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    with made() as makes:

        def make(gigabytes: float = 2, engine: Here | None = None) -> Worker:
            settings = config.load(
                environ={
                    "INBOX3D_HOST__SCRATCH": str(tmp_path / "scratch"),
                    "INBOX3D_WORKER__MEMORY_GB": str(gigabytes),
                }
            )
            name = names.worker_name("host", "cpu")
            return makes(atlas, settings, name, ("scan",), engine or Here())

        yield make


def drop(atlas: Atlas, name: str, gigabytes: float = 0.0) -> Place:
    """A job whose one file is that large, and takes no room."""
    (atlas.inbox / name).mkdir()
    path = atlas.inbox / name / "a.ply"
    path.write_text("points")
    os.truncate(path, int(gigabytes * GB) or 6)
    shell = lifecycle.claim_drop(atlas, name, "scan")
    return accept.accept(
        atlas, shell, AcceptedRequest("convert", {}, frozenset({"a.ply"}), "quiet")
    )


def state(atlas: Atlas, place: Place) -> State | None:
    found = lifecycle.find(atlas, place.id)
    return found.state if found else None


def test_a_job_that_fits_nowhere_waits_with_words_and_others_go_on(
    atlas: Atlas, workers: Callable[..., Worker]
) -> None:
    large, small = drop(atlas, "altar", 8), drop(atlas, "cup")
    worker = workers(2)
    assert worker.step()
    assert (state(atlas, large), state(atlas, small)) == (State.CLAIMED, State.DONE)
    (line,) = worker.beat.heartbeat.attention
    assert line.startswith(f"claimed/{large.path.name}: it needs about ")
    assert worker.name in line and "2.0 GiB" in line and "[[host.workers]]" in line
    worker.step()
    assert (
        state(atlas, large) is State.CLAIMED
        and (job := read_job(atlas.disk, large.path)) is not None
    )
    assert job.starts == []


def test_it_waits_for_the_worker_where_it_fits(
    atlas: Atlas, workers: Callable[..., Worker]
) -> None:
    """Quietly: nobody has to do anything."""
    large = drop(atlas, "temple", 3)
    small_one, large_one = workers(2), workers(6)
    assert not small_one.step()
    assert small_one.beat.heartbeat.attention == ()
    assert f"leaves {large.id} to {large_one.name}" in small_one.beat.heartbeat.message
    assert (
        large_one.admission.left(large, large_one.choice.asked(large_one.choice.waiting()[0])) == ""
    )


def test_what_done_jobs_took_lets_it_start(atlas: Atlas, workers: Callable[..., Worker]) -> None:
    """Such jobs needed a tenth of what is declared."""
    large, worker = drop(atlas, "temple", 4), workers(2)
    job = read_job(atlas.disk, large.path)
    assert job is not None
    for number in range(3):
        job.id, job.provenance.times = f"temple-{number:010}", {"x": 1.0}
        job.provenance.peak_rss = GB // 2
        worker.runner.past.learn(job)
    (place,) = worker.choice.waiting()
    assert worker.admission.left(place, worker.choice.asked(place)) == ""


class Bursts(Here):
    """An engine whose legs need more than there is."""

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        raise MemoryExceeded("Stage x needed 3.0 GiB; this worker may use 2.0 GiB.")


def test_a_job_that_ran_out_is_left_to_a_larger_worker_and_counted_where_there_is_none(
    atlas: Atlas, workers: Callable[..., Worker]
) -> None:
    vase, short = drop(atlas, "vase"), workers(2, Bursts())
    larger = workers(6)
    assert short.step()
    assert not short.step()
    (place,) = atlas.places(State.CLAIMED)
    assert larger.name in short.admission.left(place, short.choice.asked(place))
    larger.beat.end()
    short._proven = True
    for _ in range(2):
        short._proven = True
        assert short.step()
    assert state(atlas, vase) is State.FAILED


def test_it_is_told_at_submission(
    atlas: Atlas, workers: Callable[..., Worker], tmp_path: Path
) -> None:
    """By the commands and the API alike, for the largest live worker; and not where one has it."""
    large, small = drop(atlas, "temple", 8), drop(atlas, "cup")
    beats = [workers(2).beat.heartbeat, workers(3).beat.heartbeat]
    jobs = [read_job(atlas.disk, place.path) for place in (large, small)]
    assert jobs[0] is not None and jobs[1] is not None
    said = capacity.told_at_submission(atlas, jobs[0], beats)
    assert beats[1].worker in said and "3.0 GiB" in said
    assert capacity.told_at_submission(atlas, jobs[1], beats) == ""
    assert capacity.told_at_submission(atlas, jobs[0], []) == ""  # nobody serves it: told elsewhere
    serving = _serving.Serving(atlas, config.Settings(), grace=0.0)
    assert "it needs about" in serving.lacking(large) and serving.too_large
    assert _serving.Serving(atlas, config.Settings(), grace=0.0).lacking(small) == ""
    workers(20)
    assert _serving.Serving(atlas, config.Settings(), grace=0.0).lacking(large) == ""


def test_a_worker_that_does_not_tell_its_memory_is_believed_to_have_it(atlas: Atlas) -> None:
    """One of an earlier release."""
    older = Heartbeat(worker="w", role="worker", counter=1, boot="", pid=1, queues=("scan",))
    job = read_job(atlas.disk, drop(atlas, "temple", 500).path)
    assert job is not None
    assert capacity.told_at_submission(atlas, job, [older]) == ""


def test_a_host_that_is_to_do_it_alone_says_so_before_it_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "temple.ply"
    path.write_text("ply")
    os.truncate(path, 8 * GB)
    settings = config.load(environ={"INBOX3D_WORKER__MEMORY_GB": "2"})
    with pytest.raises(SubmitRefused, match=r"temple\.ply needs about .* may use 2\.0 GiB"):
        preflight._check_memory(settings, path, {"kind": "convert"})
    os.truncate(path, 8)
    preflight._check_memory(settings, path, {"kind": "convert"})


class Together(Here):
    """Stand-in for a scan's engine: it runs until as many others run."""

    def __init__(self, all_there: threading.Barrier, role: Role) -> None:
        super().__init__()
        self.all_there, self.role = all_there, role

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        self.all_there.wait(20)
        super().run(order, heard, tick)


@pytest.mark.parametrize(
    ("row", "memory", "count", "threads"),
    [
        (Workers(devices=("cpu",), threads=4, memory_gb=4), 128, 4, 4),
        (Workers(devices=("cpu",), threads=4, memory_gb=8), 24, 2, 4),
        (Workers(devices=("cpu",)), 128, 2, 8),
        (Workers(devices=("cpu",), count=8), 128, 8, 2),
    ],
    ids=["by cores", "by memory", "by itself", "as many as asked for"],
)
def test_sixteen_cores_run_as_many_scans_at_once_as_cores_and_memory_allow(
    atlas: Atlas,
    workers: Callable[..., Worker],
    row: Workers,
    memory: int,
    count: int,
    threads: int,
) -> None:
    """All of them in processing/ at one time, each with cores that no other has."""
    roles = plan((row,), ("scan",), Inventory((), tuple(range(16)), memory * GB))
    assert [len(role.cores) for role in roles] == [threads] * count
    assert len({core for role in roles for core in role.cores}) == threads * count
    barrier, places = threading.Barrier(count + 1), [drop(atlas, f"scan {n}") for n in range(count)]
    crew = [workers((role.memory or memory * GB) / GB, Together(barrier, role)) for role in roles]
    running = [threading.Thread(target=_one, args=(worker,)) for worker in crew]
    for thread in running:
        thread.start()
    eventually(lambda: len(atlas.places(State.PROCESSING)) == count or None, 20, "all at once")
    barrier.wait(20)
    for thread in running:
        thread.join()
    assert {state(atlas, place) for place in places} == {State.DONE}


def _one(worker: Worker) -> None:
    while not worker.step():
        pass
