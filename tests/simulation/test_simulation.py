"""The promises of docs/lifecycle.md in simulated houses: the real intake, workers, runner, reaper and submissions, on a share that fails.

`make simulate` plays for ten minutes, `make simulate SEED=n` plays one seed again and tells its story.
"""

from __future__ import annotations

import secrets
import time

import pytest

from tests.simulation.play import play

FIXED = (2, 6, 20, 30, 34)  # each of them once found a fault
FRESH = 8.0  # seconds for seeds that nobody played before


@pytest.mark.parametrize("seed", FIXED)
def test_seeds_that_found_a_fault_find_none_any_more(seed: int) -> None:
    """Listed in docs/reliability.md with what they found."""
    assert play(seed).broken is None


@pytest.mark.slow
def test_fresh_seeds_keep_every_promise() -> None:
    """Other ones each time; the message says how to play a broken one again."""
    until = time.perf_counter() + FRESH
    while time.perf_counter() < until:
        seed = secrets.randbelow(10**9)
        print("seed", seed)  # pytest shows it of a test that fails, or with -s
        assert (broken := play(seed).broken) is None, f"make simulate SEED={seed}: {broken}"


def test_a_seed_plays_the_same_story_again() -> None:
    """Else nobody could look at what it found."""
    first, again = play(132), play(132)
    assert first.trace == again.trace
    assert len(first.trace) > 100
