"""Each planted bug is found, without being told where to look."""

from __future__ import annotations

import itertools

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.play import play
from tests.simulation.shapes import DAY, MINUTES

# At the most, of days, which cost least, and of minutes each; docs/reliability.md says how many each took. Every change of the simulation draws
# other stories, so there is room.
SEEDS = 100


@pytest.mark.proof
@pytest.mark.timeout(3600)  # what only the hundredth seed misses
@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_taken_out_is_missed(name: str) -> None:
    """One rule of the lifecycle is taken out of the real code. With -s it tells by which seed."""
    for seed, shape in itertools.product(range(1, SEEDS + 1), (DAY, MINUTES)):
        if broken := play(seed, MUTANTS[name](), shape).broken:
            print(f"| {name} | {shape.name} {seed} | {broken} |")
            return
    raise AssertionError(f"{name}: no seed up to {SEEDS} misses it")
