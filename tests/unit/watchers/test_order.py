"""Urgent jobs come first, and keep nobody waiting for ever."""

from __future__ import annotations

from pathlib import Path

from layout.attention import Attention
from layout.liveness import Observer
from layout.manifest import read_job, write_job
from layout.tree import State
from pipeline.queues import URGENT_RUN, ahead
from pipeline.watchers.choice import Choice
from pipeline.watchers.order import Order
from tests.support.web import forge, make_atlas


def starts(urgent: list[str], others: list[str]) -> list[str]:
    """The order in which one worker starts all of them."""
    order, urgent, others, begun = Order(), [*urgent], [*others], []
    while urgent or others:
        first = order.of(urgent, others)[0]
        order.started(first in urgent, bool(others))
        (urgent if first in urgent else others).remove(first)
        begun.append(first)
    return begun


def test_urgent_ones_first_and_after_a_run_of_them_the_one_that_waits_longest() -> None:
    urgent, others = [f"u{n}" for n in range(8)], ["a", "b"]
    assert starts(urgent, others) == ["u0", "u1", "u2", "a", "u3", "u4", "u5", "b", "u6", "u7"]
    assert starts([], others) == others and starts(urgent, []) == urgent


def test_a_worker_reads_who_is_urgent_in_job_json(tmp_path: Path) -> None:
    """As it was accepted; whoever is started leaves, and the next look goes on from there."""
    atlas, asked = make_atlas(tmp_path), [False, True, False, True, True, True, True]
    jobs = {
        forge(atlas, State.CLAIMED, at=f"2026-11-20T12:00:0{n}+00:00", urgent=urgent).id: n
        for n, urgent in enumerate(asked)
    }
    observer = Observer(atlas, 15.0, 6, lambda: 0)
    choice = Choice(atlas, "host-cpu-aaaa", ("finish",), observer, Attention(atlas))
    begun = []
    while waiting := choice.waiting():
        first = waiting[0]
        choice.began(first)
        begun.append(jobs[first.id])
        first.path.rename(atlas.done / first.id)
    assert begun == [1, 3, 4, 0, 5, 6, 2]


def test_a_job_that_was_accepted_anew_under_its_name_waits_where_it_belongs_now(
    tmp_path: Path,
) -> None:
    """Dragged to inbox/, edited and taken again between two looks: the worker went by what it had read before."""
    atlas = make_atlas(tmp_path)
    first, second = (
        forge(atlas, State.CLAIMED, at=f"2026-11-20T12:00:0{n}+00:00", urgent=False) for n in (1, 2)
    )
    observer = Observer(atlas, 15.0, 6, lambda: 0)
    choice = Choice(atlas, "host-cpu-aaaa", ("finish",), observer, Attention(atlas))
    assert [place.id for place in choice.waiting()] == [first.id, second.id]
    place = next(place for place in atlas.places(State.CLAIMED) if place.id == second.id)
    job = read_job(atlas.disk, place.path)
    job.options["urgent"] = True
    write_job(atlas.disk, place.path, job)
    assert [place.id for place in choice.waiting()] == [second.id, first.id]


def test_others_move_however_many_urgent_ones_come() -> None:
    """A new one after every start."""
    order, begun = Order(), []
    for _ in range(10 * (URGENT_RUN + 1)):
        first = order.of(["urgent"], ["other"])[0]
        order.started(first == "urgent", True)
        begun.append(first)
    assert begun.count("other") == 10


def test_an_other_one_that_this_worker_cannot_start_holds_up_no_urgent_one() -> None:
    order = Order()
    for _ in range(10):
        assert "urgent" in order.of(["urgent"], ["too large"])
        order.started(True, True)


def test_the_place_in_the_queue_is_that_of_one_worker() -> None:
    """What page and API tell, for every job of several queues."""
    for urgent in range(9):
        for others in range(5):
            names = [f"u{n}" for n in range(urgent)], [f"o{n}" for n in range(others)]
            begun = starts(*names)
            for number, name in enumerate(names[0]):
                assert ahead(True, number, others) == begun.index(name), (begun, name)
            for number, name in enumerate(names[1]):
                assert ahead(False, number, urgent) == begun.index(name), (begun, name)
