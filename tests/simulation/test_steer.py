"""Which pair of edge and fault a seed is steered at, and whose turn it is."""

from __future__ import annotations

import pytest

from tests.simulation import steer
from tests.simulation.coverage import EDGES, ENOUGH, FAULTS, Seen
from tests.simulation.shapes import DAY, DRILL


def test_every_pair_has_its_seeds_and_a_seed_has_one_pair() -> None:
    found = [steer.target(seed) for seed in range(steer.MODULUS)]
    assert sorted(found)[steer.FREE :] == sorted(steer.PAIRS)
    assert found == [steer.target(seed + 7 * steer.MODULUS) for seed in range(steer.MODULUS)]
    assert len({edge for edge, _ in found[:60]}) > len(EDGES) / 2
    assert len({fault for _, fault in found[:60]}) > len(FAULTS) / 2
    assert set(steer.LEANS) <= set(EDGES)


@pytest.mark.slow
def test_the_pair_that_was_met_least_comes_next_and_no_seed_comes_twice() -> None:
    seen = Seen()
    seen.met.update(dict.fromkeys(steer.PAIRS, ENOUGH))
    seen.met["k", "EIO"], seen.met["q", "hung"] = 1, 2
    schedule = steer.Schedule(range(5000, 9000), seen)
    first, second = schedule.next(), schedule.next()
    assert first is not None and second is not None
    assert [steer.target(first), steer.target(second)] == [("k", "EIO"), ("q", "hung")]
    schedule.played(first)
    seen.met["q", "hung"] = ENOUGH
    assert steer.target(third := schedule.next() or 0) == ("k", "EIO")
    rest = list(iter(schedule.next, None))
    assert sorted([first, second, third, *rest]) == list(range(5000, 9000))


def test_a_pair_that_cannot_be_waits_for_the_others() -> None:
    seen = Seen()
    seen.met.update(dict.fromkeys(steer.PAIRS, ENOUGH))
    seen.met["k", "copies"] = 0
    seen.tried["k", "copies"] = ENOUGH
    schedule = steer.Schedule(range(steer.MODULUS), seen)
    assert steer.target(schedule.next() or 0) != ("k", "copies")


def test_there_are_drills_of_what_was_met_too_seldom_alone_each_in_its_turn() -> None:
    seen = Seen()
    seen.met.update(dict.fromkeys(steer.PAIRS, ENOUGH))
    seen.met["k", "EIO"], seen.met["q", "hung"] = 1, 2
    schedule = steer.Schedule(range(10**6), seen, DRILL)
    given = [schedule.next() or 0 for _ in range(4)]
    assert [steer.target(seed) for seed in given] == [("k", "EIO"), ("q", "hung")] * 2
    assert len(set(given)) == 4
    seen.met["k", "EIO"] = seen.met["q", "hung"] = ENOUGH
    assert schedule.next() is None


def test_days_are_played_in_the_order_of_their_seeds() -> None:
    schedule = steer.Schedule(range(5, 8), Seen(), DAY)
    assert list(iter(schedule.next, None)) == [5, 6, 7]
