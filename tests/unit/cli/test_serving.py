"""Whom a job waits for in vain, by heartbeats alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from layout import lifecycle
from layout.beat import Beat
from layout.signs import Heartbeat
from layout.tree import Atlas, Place
from tests.unit.cli.heartbeats import kill, serving, waiting_job, words


@pytest.mark.parametrize("end", [Beat.end, kill])
def test_a_fleet_that_ends_before_the_claim_is_missed(
    atlas: Atlas, process: Callable[..., Beat], end: Callable[[Beat], None]
) -> None:
    """In order or by kill -9."""
    sealed, beat, judge = (
        Place(lifecycle.State.INBOX, atlas.inbox / "x", "x"),
        process(role="intake"),
        serving(atlas),
    )
    assert words(judge, sealed) == ""
    end(beat)
    assert judge.lacking(sealed) == ""  # it may only start again
    assert words(judge, sealed) == "nobody watches inbox/"


@pytest.mark.parametrize("end", [Beat.end, kill])
def test_a_worker_that_ends_between_two_legs_is_missed_by_its_queue(
    atlas: Atlas, process: Callable[..., Beat], end: Callable[[Beat], None]
) -> None:
    """A fleet that serves other queues is no help."""
    job, judge = waiting_job(atlas, "finish"), serving(atlas)
    process("scan")
    beat = process("mesh", "finish")
    assert words(judge, job) == ""
    end(beat)
    assert words(judge, job) == "no live worker serves finish"
    process("finish")
    assert judge.lacking(job) == ""  # one appeared


def test_a_worker_killed_while_it_runs_is_missed_only_where_no_reaper_lives(
    atlas: Atlas, process: Callable[..., Beat]
) -> None:
    """An intake elsewhere will seize the job; without one nobody ever would."""
    beat, judge = process("scan"), serving(atlas)
    held = lifecycle.start(atlas, waiting_job(atlas), beat.heartbeat.worker)
    assert words(judge, held) == ""
    kill(beat)
    reaper = process(role="intake")
    assert words(judge, held) == ""
    kill(reaper)
    assert (
        words(judge, held)
        == f"{beat.heartbeat.worker}, which ran it, is gone and nobody takes it over"
    )


def test_a_worker_of_another_host_is_missed_by_its_counter(atlas: Atlas) -> None:
    """Its lock cannot be seen from here: unchanged looks decide, and no time on the share."""
    foreign = Heartbeat(
        worker="far-cpu-abcd", role="worker", counter=1, boot="elsewhere", pid=1, queues=("scan",)
    )
    atlas.disk.write_in_place(atlas.heartbeat(foreign.worker), foreign.dump())
    job, judge = waiting_job(atlas), serving(atlas)
    for counter in range(2, 200):
        atlas.disk.write_in_place(
            atlas.heartbeat(foreign.worker), foreign.model_copy(update={"counter": counter}).dump()
        )
        assert judge.lacking(job) == ""
    assert words(judge, job, 300) == "no live worker serves scan"
