"""Each planted bug is found, without being told where to look."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.play import play

FOUND = (
    "the key of what is kept", "n goes up at each start", "the count of crashes", "claimed without job.json", "half accepted shells",
    "thirty days in trash", "one bad folder", "the fence",
)  # fmt: skip
SEEDS = 400  # at the most; docs/reliability.md says how many it took


@pytest.mark.proof
@pytest.mark.parametrize("name", FOUND)
def test_a_rule_that_is_taken_out_is_missed(name: str) -> None:
    """One rule of the lifecycle is taken out of the real code."""
    assert any(play(seed, MUTANTS[name]()).broken for seed in range(SEEDS))
