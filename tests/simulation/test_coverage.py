"""What is told of pairs of edges and faults is counted, not written down by hand."""

from __future__ import annotations

from tests.simulation.coverage import EDGES, ENOUGH, FAULTS, TRIES, Seen, table


def test_a_pair_that_had_no_occasion_cannot_be_and_one_that_was_met_can() -> None:
    seen = Seen()
    assert seen.cannot("c", "torn") is None  # nobody knows yet
    seen.could["c", ""] = ENOUGH
    assert "no such call" in str(seen.cannot("c", "torn"))
    seen.could["c", "torn"] = 1
    assert seen.cannot("c", "torn") is None
    seen.tried["b", "copies"] = TRIES
    assert "nothing to do it to" in str(seen.cannot("b", "copies"))
    seen.met["b", "copies"] = 1
    assert seen.cannot("b", "copies") is None
    assert seen.cannot("b", "EIO") is None  # a call can always fail


def test_counts_of_ranges_add_up_and_the_table_tells_what_is_rare() -> None:
    one, both = Seen(), Seen()
    one.met["b", "EIO"] = ENOUGH
    one.could["c", ""] = ENOUGH
    both.load(one.dump())
    both.load(one.dump())
    assert (both.met["b", "EIO"], both.could["c", ""]) == (2 * ENOUGH, 2 * ENOUGH)
    looks = sum(both.cannot("c", fault) is not None for fault in FAULTS)
    assert looks == 5
    assert f"1 of {len(EDGES) * len(FAULTS) - looks} pairs met" in table(both)
