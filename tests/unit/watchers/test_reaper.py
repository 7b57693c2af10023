"""The reaper: one rule per row of the crash table."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from layout import accept, lifecycle
from layout.accept import AcceptedRequest
from layout.liveness import Life, Observer
from layout.manifest import JobFile, read_job
from layout.promote import promote
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline import config
from pipeline.kept import keys
from pipeline.runner import due
from pipeline.watchers.reaper import Reaper
from pipeline.watchers.two_looks import TwoLooks
from tests.support.baddisk import BadDisk, Call, Fault
from tests.support.trees import new_tree

DEAD, LIVE, REAPER = "dead-cpu-aaaa", "live-cpu-bbbb", "host-intake-cccc"


class Oracle(Observer):
    """Knows who is dead without waiting."""

    def life(self, worker: str) -> Life:
        return {DEAD: Life.DEAD, LIVE: Life.LIVE}.get(worker, Life.UNKNOWN)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reaper(atlas: Atlas, clock: Clock) -> Reaper:
    return Reaper(
        atlas, config.load(environ={}), REAPER, Oracle(atlas, 15, 6, lambda: 1, clock), clock
    )


@pytest.fixture
def held(atlas: Atlas) -> Callable[..., Place]:
    """Make a scan job that WORKER holds as its start N."""

    def make(worker: str = DEAD, n: int = 1) -> Place:
        (atlas.inbox / "vase").mkdir()
        (atlas.inbox / "vase" / "a.ply").write_text("points")
        place = accept.accept(
            atlas,
            lifecycle.claim_drop(atlas, "vase", "scan"),
            AcceptedRequest("scan", {}, frozenset(), "quiet"),
        )
        for number in range(1, n + 1):
            place = lifecycle.start(atlas, place, worker)
            lifecycle.record_start(atlas, place)
            if number < n:
                place = lifecycle.release(atlas, place, "scan", None)
        return place

    return make


def now_at(atlas: Atlas, place: Place) -> tuple[Place, JobFile | None]:
    found = lifecycle.find(atlas, place.id)
    assert found is not None
    return found, read_job(atlas.disk, found.path)


def output(atlas: Atlas, place: Place, folder: Path) -> None:
    folder.mkdir()
    (folder / "model.glb").write_text("glb")
    job = read_job(atlas.disk, place.path)
    key = keys.of_result(atlas.disk, place, due.legs_of(job), job) if job else ""
    promote(atlas, place, folder, "output", key)


def test_a_dead_workers_job_is_released_and_its_start_counts(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place]
) -> None:
    """Nobody noted how start 1 ended: it is a crash."""
    place = held()
    reaper.round()
    found, job = now_at(atlas, place)
    assert (found.state, found.queue, found.n) == (State.CLAIMED, "scan", 1)
    assert job is not None and job.crashes(1) == 1


@pytest.mark.parametrize("worker", [LIVE, "unknown-cpu-dddd"])
def test_what_a_live_or_unknown_worker_holds_is_left_alone(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place], worker: str
) -> None:
    """Between dead and live there is unknown: neither served by nor seized."""
    place = held(worker)
    reaper.round()
    assert now_at(atlas, place)[0].path == place.path


def test_a_finished_output_is_finished_not_done_again(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place], tmp_path: Path
) -> None:
    """The worker died between promotion and the last rename."""
    place = held()
    output(atlas, place, tmp_path / "out")
    reaper.round()
    assert now_at(atlas, place)[0].state is State.DONE


def test_an_output_that_does_not_verify_is_set_aside(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place], tmp_path: Path
) -> None:
    """It goes to earlier/<n>/ and the job is done again."""
    place = held()
    output(atlas, place, tmp_path / "out")
    (place.path / "output/model.glb").write_text("rot")
    reaper.round()
    found, _ = now_at(atlas, place)
    assert found.state is State.CLAIMED
    assert (found.path / "earlier/1/output/model.glb").read_text() == "rot"


def test_a_job_that_crashed_three_times_fails_as_poison(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place]
) -> None:
    """Its starts are in the folder name; a kill cannot lose one."""
    place = held(n=3)
    reaper.round()
    found, _ = now_at(atlas, place)
    assert found.state is State.FAILED
    assert "Given up after 3 crashed starts" in (found.path / "error.txt").read_text()


def test_a_start_that_only_begins_is_none_of_the_crashes_that_are_told(
    atlas: Atlas, held: Callable[..., Place]
) -> None:
    """The job was given up for three, and error.txt told of four (drill 100000739)."""
    place = held(n=4)
    verdict, job = due.verdict(atlas, place, 3, ended=False)
    found = due.settle(atlas, place, verdict, job, ended=False)
    assert "Given up after 3 crashed starts" in (found.path / "error.txt").read_text()


def test_a_job_deleted_while_it_ran_fails_with_the_reason(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place]
) -> None:
    """A husk without input is not run again."""
    place = held()
    (place.path / "input/vase/a.ply").unlink()
    (place.path / "input/vase").rmdir()
    (place.path / "input").rmdir()
    reaper.round()
    found, _ = now_at(atlas, place)
    assert found.state is State.FAILED
    assert "files were deleted" in (found.path / "error.txt").read_text()


@pytest.mark.parametrize("closed", [State.FAILED, State.DONE, State.CLAIMED])
def test_a_folder_of_the_tree_that_may_not_be_listed_holds_up_none_of_the_others(
    atlas: Atlas, held: Callable[..., Place], clock: Clock, closed: State
) -> None:
    """It is named; the dead worker's job goes on, and drafts/ is swept all the same."""

    def plan(call: Call) -> Fault | None:
        here = call.name in ("scandir", "names") and call.args[0] == atlas.root / closed
        return Fault("fail", errno.EACCES) if here else None

    place, bad = held(), Atlas(atlas.root, BadDisk(plan))
    (atlas.drafts / "old").mkdir()
    settings = config.load(environ={"INBOX3D_REAPER__DRAFTS_AGE": "1"})
    reaper = Reaper(bad, settings, REAPER, Oracle(bad, 15, 6, lambda: 1, clock), clock)
    for _ in range(2):
        reaper.round()
        clock.now += 2
    assert any(line.startswith(f"{closed}: ") for line in reaper.attention.lines())
    assert not (atlas.drafts / "old").exists() and not place.path.exists()


def test_its_own_seized_folder_is_settled_even_after_a_lost_reply(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place]
) -> None:
    """A folder under the reaper's name is its own to settle."""
    place = held(REAPER)
    reaper.round()
    assert now_at(atlas, place)[0].state is State.CLAIMED


def test_a_job_dragged_to_failed_gets_its_plain_name_and_a_reason(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place]
) -> None:
    """A person cancels with the mouse."""
    place = held()
    place.path.rename(atlas.failed / place.path.name)
    reaper.round()
    found, _ = now_at(atlas, place)
    assert found.path == atlas.failed / place.id
    assert "Cancelled by a person" in (found.path / "error.txt").read_text()


def test_a_queue_that_no_recipe_knows_is_corrected(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place]
) -> None:
    """A job of a future or misspelt queue goes to its kind's first leg."""
    place = held(LIVE)
    lost = lifecycle.release(atlas, place, "polish", "drained")
    assert lost.path.exists()
    reaper.round()
    assert now_at(atlas, place)[0].queue == "scan"


def test_a_draft_that_stood_for_a_day_goes_to_the_trash(
    atlas: Atlas, reaper: Reaper, clock: Clock
) -> None:
    """By this reaper's own clock, and only if nothing in it changed."""
    (atlas.drafts / "slow").mkdir()
    (atlas.drafts / "dead").mkdir()
    reaper.round()
    clock.now += 86401
    (atlas.drafts / "slow" / "more.ply").write_text("still arriving")
    reaper.round()
    assert [path.name for path in atlas.drafts.iterdir()] == ["slow"]


def test_staging_without_its_job_goes_after_two_looks_an_hour_apart(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place], clock: Clock
) -> None:
    """One listing that lacks a job proves nothing."""
    place = held(LIVE)
    (atlas.staging / place.path.name).mkdir()
    (atlas.staging / "gone-0123456789@dead-cpu-aaaa.1").mkdir()
    reaper.round()
    assert len(list(atlas.staging.iterdir())) == 2
    clock.now += 3601
    reaper.round()
    assert [path.name for path in atlas.staging.iterdir()] == [place.path.name]


def test_the_heartbeat_of_a_dead_worker_that_holds_nothing_goes(
    atlas: Atlas, reaper: Reaper, clock: Clock
) -> None:
    """The living keep theirs."""
    for worker in (DEAD, LIVE):
        beat = Heartbeat(worker=worker, role="worker", counter=1, boot="other", pid=1)
        atlas.disk.write_in_place(atlas.heartbeat(worker), beat.dump())
    reaper.round()
    clock.now += 61
    reaper.round()
    assert [path.stem for path in atlas.workers.iterdir()] == [LIVE]


def test_the_trash_keeps_deleted_jobs_and_frees_the_rest(
    atlas: Atlas, reaper: Reaper, held: Callable[..., Place], tmp_path: Path
) -> None:
    """30 days for what a person deleted; an hour for nobody's leftovers."""
    place = held()
    output(atlas, place, tmp_path / "out")
    deleted = lifecycle.delete(atlas, lifecycle.finish(atlas, place))
    old = deleted.with_name(f"2020-01-01~{deleted.name.partition('~')[2]}x")
    (atlas.trash / "2026-01-01~vase-work.abcd").mkdir()
    reaper.round()
    assert [path.name for path in atlas.trash.iterdir()] == [deleted.name]
    deleted.rename(old)
    reaper.round()
    assert list(atlas.trash.iterdir()) == []


def test_two_looks_believe_only_what_was_so_in_every_look(clock: Clock) -> None:
    """A name that was away in between starts anew."""
    looks = TwoLooks(clock)
    assert looks.again(["x"], 10) == []
    clock.now += 6
    assert looks.again([], 10) == []
    clock.now += 6
    assert looks.again(["x"], 10) == []
    clock.now += 10
    assert looks.again(["x"], 10) == ["x"]


def test_what_a_killed_writer_of_status_left_goes(
    atlas: Atlas, reaper: Reaper, clock: Clock
) -> None:
    left = atlas.inbox / ".STATUS.txt.89abcdef"
    left.write_text("half")
    reaper.round()
    clock.now += 60
    reaper.round()
    assert not left.exists()
