"""Jobs that are too large for a worker's GPU, on a simulated inventory: they wait with words, or for one where they fit."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import accept, lifecycle, names
from layout.accept import AcceptedRequest
from layout.attention import Waits
from layout.manifest import Outcome, read_job
from layout.signs import Gpu
from layout.tree import Atlas, Place, State
from pipeline import config, recipes
from pipeline.errors import OutOfGpuMemory, SubmitRefused
from pipeline.gpu.engine import Event, Order
from pipeline.recipes import Leg, Recipe
from pipeline.submission import capacity, preflight
from pipeline.watchers.worker import Worker
from tests.support import nvml
from tests.support.fleet import Here
from tests.support.trees import new_tree
from tests.support.workers import made

GB = 2**30


class Short(Here):
    """An engine whose legs need more than any GPU has."""

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        raise OutOfGpuMemory("The device ran out of memory.")


@pytest.fixture
def atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    recipe = Recipe("images", (Leg("mesh", ("mesh.reconstruct",)),))
    monkeypatch.setitem(recipes.RECIPES, "images", recipe)
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def card(atlas: Atlas, tmp_path: Path) -> Iterator[Callable[[float | None], Worker]]:
    """A worker with a GPU of so many gigabytes, or with none."""
    with made() as makes:

        def make(gigabytes: float | None) -> Worker:
            scratch = {"INBOX3D_HOST__SCRATCH": str(tmp_path / "scratch"), "INBOX3D_WORKER__MEMORY_GB": "64"}  # fmt: skip
            settings = config.load(environ=scratch)
            worker = makes(atlas, settings, names.worker_name("host", "cpu"), ("mesh",), Short())
            if gigabytes is not None:
                gpu = Gpu(model="NVIDIA Test", memory=int(gigabytes * GB), used=0)
                worker.beat.measured(0, gpu)
                worker.beat.beat()
            return worker

        yield make


def drop(atlas: Atlas, **options: object) -> Place:
    (atlas.inbox / "cup").mkdir()
    (atlas.inbox / "cup" / "a.png").write_text("picture")
    shell = lifecycle.claim_drop(atlas, "cup", "mesh")
    return accept.accept(
        atlas, shell, AcceptedRequest("images", options, frozenset({"a.png"}), "quiet")
    )


def left(worker: Worker) -> str:
    (place,) = worker.choice.waiting()
    return worker.admission.left(place, worker.choice.asked(place))


def test_it_waits_for_the_gpu_where_it_fits(
    atlas: Atlas, card: Callable[[float | None], Worker]
) -> None:
    place, small, large = drop(atlas, backend="triposg"), card(3), card(8)
    assert not small.step()
    words = small.beat.heartbeat.message
    assert f"leaves {place.id} to {large.name}: it needs about 4.2 GiB of a GPU's memory" in words
    assert left(large) == ""
    assert small.beat.heartbeat.attention == ()  # nobody has to do anything


def test_a_finer_lattice_may_need_a_larger_one(
    atlas: Atlas, card: Callable[[float | None], Worker]
) -> None:
    drop(atlas, backend="triposg", quality_tier="high")
    middling = card(4.3)
    with pytest.raises(Waits, match=r"needs about 4\.6 GiB of a GPU's memory"):
        left(middling)


@pytest.mark.parametrize("backend", ["auto", "visual-hull"])
def test_what_only_the_run_can_tell_counts_nothing(
    atlas: Atlas, card: Callable[[float | None], Worker], backend: str
) -> None:
    drop(atlas, backend=backend)
    assert left(card(1)) == ""


def test_where_no_gpu_is_large_enough_it_is_told_at_submission_and_by_the_worker(
    atlas: Atlas, card: Callable[[float | None], Worker]
) -> None:
    """Of a worker that does not tell its GPU, or has none, it is not said."""
    place, small, less = drop(atlas, backend="instantmesh"), card(3), card(2)
    job = read_job(atlas.disk, place.path)
    assert job is not None
    beats = [small.beat.heartbeat, less.beat.heartbeat]
    told = capacity.told_at_submission(atlas, job, beats)
    assert "the largest of queue mesh has 3.0 GiB" in told and small.name in told
    assert "backend=auto" in told
    assert not small.step()
    assert any("of a GPU's memory" in line for line in small.beat.heartbeat.attention)
    assert capacity.told_at_submission(atlas, job, [*beats, card(None).beat.heartbeat]) == ""


def test_a_job_that_ran_out_is_left_to_a_larger_gpu_and_fails_where_there_is_none(
    atlas: Atlas, card: Callable[[float | None], Worker]
) -> None:
    """A start that was left to others is no crash."""
    place, small, large = drop(atlas), card(24), card(80)
    assert small.step()
    (waiting,) = atlas.places(State.CLAIMED)
    job = read_job(atlas.disk, waiting.path)
    assert job is not None
    assert (job.starts[-1].outcome, job.starts[-1].crash) == (Outcome.LACKING, None)
    assert f"left to {large.name}" in str(job.starts[-1].noted)
    assert not small.step()
    assert f"leaves {place.id} to {large.name}" in small.beat.heartbeat.message
    assert large.step()
    found = lifecycle.find(atlas, place.id)
    assert found is not None and found.state is State.FAILED


@pytest.mark.parametrize("gigabytes", [(), (2,), (2, 24)])
def test_a_host_that_is_to_do_the_work_itself_looks_at_its_largest_gpu(
    gigabytes: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is submitted; a host without a GPU works on its CPU."""
    nvml.install(monkeypatch, *(nvml.Card(k, size) for k, size in enumerate(gigabytes)))
    (tmp_path / "front.png").write_bytes(b"picture")
    settings = config.load(environ={"INBOX3D_WORKER__MEMORY_GB": "64"})
    request = {"kind": "images", "backend": "instantmesh"}
    ask = functools.partial(preflight._check_memory, settings, tmp_path / "front.png", request)
    if gigabytes == (2,):
        with pytest.raises(
            SubmitRefused, match=r"GPU's memory, and this host's largest GPU has 2\.0 GiB"
        ):
            ask()
    else:
        ask()
