"""Whose turn it is in inbox/: what arrives is looked at in every tick, however many others wait for a person."""

from __future__ import annotations

from pipeline.drops.verdict import Wait
from pipeline.watchers.turns import FEWEST, TICKS, Turns

WINDOW, NOW = 30.0, 1000.0
LONG = Wait("looks unfinished", NOW + 1800)
SOON = Wait("still arriving", NOW + 20)
MANY = [f"old {number:05}" for number in range(10_000)]


def ticks(turns: Turns, present: list[str], waits: dict[str, Wait], count: int) -> list[list[str]]:
    return [turns.next(present, waits, NOW) for _ in range(count)]


def looked_at_once(turns: Turns) -> None:
    """Everybody had a turn, and waits long."""
    waits: dict[str, Wait] = {}
    for _ in range(-(-len(MANY) // (turns.limit - FEWEST)) + 5):
        waits |= dict.fromkeys(turns.next(MANY, waits, NOW), LONG)
    assert len(waits) == len(MANY)


def test_all_is_looked_at_first() -> None:
    """No more than the limit in one tick, and everybody as soon as that allows."""
    turns, chosen = Turns(200, WINDOW), []
    for _ in range(-(-len(MANY) // (200 - FEWEST - 5))):
        chosen.append(turns.next(MANY, {}, NOW))
    assert max(map(len, chosen)) <= 200
    assert sorted({name for tick in chosen for name in tick}) == MANY


def test_what_waits_long_has_its_turn_and_costs_little() -> None:
    turns, waits = Turns(200, WINDOW), dict.fromkeys(MANY, LONG)
    looked_at_once(turns)
    found = ticks(turns, MANY, waits, TICKS)
    assert {len(tick) for tick in found} == {len(MANY) // TICKS}
    assert sorted(name for tick in found for name in tick) == MANY


def test_a_new_drop_and_one_that_arrives_are_looked_at_in_every_tick() -> None:
    turns, waits = Turns(200, WINDOW), dict.fromkeys(MANY, LONG)
    looked_at_once(turns)
    present = sorted([*MANY, "vase"])
    assert "vase" in turns.next(present, waits, NOW)
    waits["vase"] = SOON
    assert all("vase" in tick for tick in ticks(turns, present, waits, 5))
    waits["vase"] = LONG
    assert not all("vase" in tick for tick in ticks(turns, present, waits, 5))


def test_few_entries_are_all_looked_at_whatever_they_wait_for() -> None:
    turns, names = Turns(200, WINDOW), MANY[:FEWEST]
    waits = dict.fromkeys(names, LONG)
    assert all(sorted(tick) == names for tick in ticks(turns, names, waits, 3))


def test_neither_kind_starves_the_other() -> None:
    """More arrives than a tick can look at, and more waits: both go on, within the limit."""
    turns = Turns(10, WINDOW)
    old, new = MANY[:100], [f"new {number:03}" for number in range(100)]
    waits = dict.fromkeys(old, LONG) | dict.fromkeys(new, SOON)
    ticks(turns, [*new, *old], waits, 40)
    found = ticks(turns, [*new, *old], waits, 20)
    assert {len(tick) for tick in found} == {10}
    assert set(old) | set(new) == {name for tick in found for name in tick}


def test_what_says_no_time_may_go_on_at_once() -> None:
    """A drop that its person called complete is looked at once more; thousands that wait long are not before it."""
    turns, present = Turns(200, WINDOW), sorted([*MANY, "vase.go"])
    waits = dict.fromkeys(MANY, LONG) | {
        "vase.go": Wait("said to be complete; looked at once more")
    }
    assert all("vase.go" in tick for tick in ticks(turns, present, waits, 3))


def test_looks_at_what_waits_long_rest_longer_the_more_they_cost_and_no_others_do() -> None:
    """Less than a hundredth of a core, yet a look in five seconds; with anything new as often as ever."""
    turns, waits = Turns(200, WINDOW), dict.fromkeys(MANY, LONG)
    turns.next(MANY, waits, NOW)
    assert [turns.rest(1.0, cost) for cost in (0.001, 0.015, 9.0)] == [1.0, 2.5, 5.0]
    for present, known in (([*MANY, "vase"], waits), (MANY, waits | {MANY[7]: SOON}), ([], {})):
        turns.next(present, known, NOW)
        assert turns.rest(1.0, 0.025) == 1.0
