"""Faults that simulated houses found, each told once more as a story of its own on the real worker, runner, reaper and intake."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout import accept, dropped, lifecycle
from layout.accept import AcceptedRequest
from layout.disk import Disk, Entry
from layout.manifest import Outcome, write_job
from layout.tree import State
from pipeline import recipes
from pipeline.errors import EngineDied
from tests.simulation import stages
from tests.support.fleet import Fleet, Here, _die

ALL, TWO = ("scan", "finish"), ("finish", "scan")


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setitem(recipes.RECIPES, "scan", stages.RECIPES["scan"])
    with contextlib.closing(Fleet(tmp_path)) as one:
        (one.atlas.inbox / "vase").mkdir()
        (one.atlas.inbox / "vase/a.xyz").write_text(
            "".join(f"{k} {k % 3} {k % 5}\n" for k in range(24))
        )
        (one.atlas.inbox / "vase/READY").touch()
        yield one


def dies(self: Here, *args: object) -> None:
    raise EngineDied("The engine died of signal 11.")


def test_two_workers_on_which_a_job_crashed_do_not_wait_for_each_other(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each left it to the other, for ever; now the third crash ends it with words."""
    fleet.look()
    monkeypatch.setattr(Here, "run", dies)
    for _ in range(8):
        for queues in (ALL, TWO):
            worker = fleet._worker(queues)
            worker.beat.beat()
            worker._proven = True
            fleet.work(*queues)
    (place,) = fleet.places(*State)
    assert place.state is State.FAILED
    assert "Given up after 3 crashed starts" in (place.path / "error.txt").read_text()


def test_a_worker_whose_scratch_was_full_takes_a_job_again_that_once_killed_its_engine(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scratch that is full is so for a while; only what a host lacks stays so."""
    fleet.look()
    with monkeypatch.context() as patched:
        patched.setattr(Here, "run", dies)
        fleet.work(*ALL)
    worker = fleet._worker(ALL)
    worker._proven = True
    (place,) = fleet.places(State.CLAIMED)
    job = fleet.job(place)
    job.starts[0].noted, job.starts[0].outcome = "Scratch is full.", Outcome.LACKING
    write_job(fleet.atlas.disk, place.path, job)
    assert fleet.work(*ALL)
    assert fleet.places(State.DONE)


@pytest.mark.parametrize("first", [None, 'kind = "scan"\nseed = 1\n'])
def test_a_changed_job_toml_counts_although_its_finder_was_killed(
    fleet: Fleet, first: str | None
) -> None:
    """At every call after a start found it, added or edited: whoever starts the job next finds it too."""
    toml, calls = 'kind = "scan"\nseed = 3\n', 0
    if first:
        (fleet.atlas.inbox / "vase/job.toml").write_text(first)
    while True:
        fleet.look()
        (place,) = fleet.places(State.CLAIMED)
        (place.path / "input/vase/job.toml").write_text(toml)
        killed: list[bool] = []
        fleet.work(*ALL, at=calls, act=lambda killed=killed: (killed.append(True), _die()))  # type: ignore[misc]
        fleet.settle([ALL])
        (place,) = fleet.places(State.DONE)
        assert fleet.job(place).options["seed"] == 3
        text, _ = stages.expected(fleet.job(place))
        assert (place.path / "output/model.glb").read_text() == text
        if not killed:
            return
        place.path.rename(fleet.atlas.inbox / "vase-again")
        (fleet.atlas.inbox / "vase").mkdir()
        (fleet.atlas.inbox / "vase-again/input/vase/a.xyz").rename(fleet.atlas.inbox / "vase/a.xyz")
        (fleet.atlas.inbox / "vase/READY").touch()
        if first:
            (fleet.atlas.inbox / "vase/job.toml").write_text(first)
        fleet.atlas.disk.remove_tree(fleet.atlas.inbox / "vase-again")
        calls += 4


class Skipping(Disk):
    """The first listing of input/ lacks its entries, as one may while others rename."""

    def __init__(self) -> None:
        super().__init__(durable=False)
        self.skipped = False

    def scandir(self, path: Path) -> list[Entry]:
        listing = super().scandir(path)
        if path.name == "input" and not self.skipped:
            self.skipped = True
            return []
        return listing


def test_a_listing_that_lacks_the_drop_takes_no_job_toml_away(fleet: Fleet) -> None:
    """Whoever completes a shell looks twice before input/ is taken for empty: else the drop's own root, and its job.toml, were missed."""
    shell = lifecycle.claim_drop(fleet.atlas, "vase", "scan")
    disk = Skipping()
    assert dropped.drop_root(disk, shell.path / "input") == shell.path / "input/vase"
    assert disk.skipped
    place = accept.accept(fleet.atlas, shell, AcceptedRequest("scan", {}, frozenset(), "said"))
    assert [row.path for row in fleet.job(place).manifest] == ["READY", "a.xyz"]
