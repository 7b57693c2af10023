"""Plays of other shapes: days of many ordinary drops, and drills of one fault at one edge."""

from __future__ import annotations

import pytest

from tests.simulation import steer
from tests.simulation.play import play
from tests.simulation.shapes import DAY, DRILL, WANTED


def seed_of(edge: str, fault: str) -> int:
    return next(seed for seed in range(steer.MODULUS) if steer.target(seed) == (edge, fault))


@pytest.mark.slow
def test_a_day_keeps_every_promise_and_most_of_its_drops_meet_no_fault() -> None:
    day = play(7, shape=DAY)
    assert day.broken is None
    assert day.jobs == DAY.drops[0]
    assert 0 < sum(count for (_, fault), count in day.seen.met.items() if fault != "none") < 60


@pytest.mark.slow
def test_a_drill_meets_its_pair_again_and_again() -> None:
    """Plays of minutes met it less than once each."""
    drill = play(seed_of("k", "EBUSY"), shape=DRILL)
    assert drill.broken is None
    assert drill.seen.met["k", "EBUSY"] > WANTED / 5
