"""To whom a worker leaves a job on which its engine died."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from layout.attention import Attention
from layout.liveness import Observer
from layout.manifest import Accepted, Outcome, Start, read_job, write_job
from layout.tree import Place, State
from pipeline.watchers.choice import Choice
from tests.support.web import forge, make_atlas

QUEUE = "finish"


def choices(root: Path, starts: list[Start], accepted: int) -> dict[str, list[Place]]:
    """What each of two live workers may start of one job with STARTS, after whose first ACCEPTED it
    was accepted last; the engine of each died on it once."""
    atlas, names = make_atlas(root), ("host-cpu-aaaa", "host-cpu-bbbb")
    place = forge(atlas, State.CLAIMED)
    job = read_job(atlas.disk, place.path)
    job.starts, job.accepted = starts, Accepted(at="2026-11-20T12:00:00+00:00", n=accepted)
    write_job(atlas.disk, place.path, job)
    live = [SimpleNamespace(worker=name, queues=(QUEUE,)) for name in names]
    found = {}
    for name in names:
        observer = Observer(atlas, 15.0, 6, lambda: 0)
        observer.live = lambda: live  # type: ignore[method-assign,assignment,return-value]
        choice = Choice(atlas, name, (QUEUE,), observer, Attention(atlas))
        choice.avoid.add(place.id)
        found[name] = choice.waiting()
    return found


def start(n: int, worker: str, outcome: Outcome | None = None) -> Start:
    return Start(
        n=n, worker=f"host-cpu-{worker}", at="", noted=outcome and str(outcome), outcome=outcome
    )


def test_it_goes_to_who_did_not_crash_on_it_and_to_nobody_twice_for_ever(tmp_path: Path) -> None:
    first, second = choices(tmp_path / "one", [start(1, "aaaa")], 0).values()
    assert not first and second
    assert all(choices(tmp_path / "both", [start(1, "aaaa"), start(2, "bbbb")], 0).values())


def test_a_retry_begins_anew(tmp_path: Path) -> None:
    """The second crash was noted as the failure, or the start as cancelled: after the retry each
    worker waited for the other for ever."""
    for outcome in (Outcome.FAILED, Outcome.CANCELLED):
        starts = [start(1, "aaaa"), start(2, "bbbb", outcome)]
        assert all(choices(tmp_path / outcome, starts, 2).values())


def test_it_is_not_left_to_who_lacks_what_it_needs(tmp_path: Path) -> None:
    starts = [start(1, "bbbb", Outcome.LACKING), start(2, "aaaa")]
    assert choices(tmp_path, starts, 0)["host-cpu-aaaa"]
