"""Each planted bug is found, without being told where to look."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.play import play

# At the most; docs/reliability.md says how many each took. Every change of the simulation draws
# other stories, so there is room.
SEEDS = 100


@pytest.mark.proof
@pytest.mark.parametrize("name", MUTANTS)
def test_a_rule_that_is_taken_out_is_missed(name: str) -> None:
    """One rule of the lifecycle is taken out of the real code."""
    assert any(play(seed, MUTANTS[name]()).broken for seed in range(1, SEEDS + 1))
