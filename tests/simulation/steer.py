"""What a play is steered at: one pair of edge and fault, by its seed alone, so that pairs that
seldom come about by themselves are met as often as others; and who plays what next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.simulation.coverage import EDGES, ENOUGH, FAULTS, Seen
from tests.simulation.shapes import DRILL, MINUTES, Shape

PAIRS = tuple((edge, fault) for edge in EDGES for fault in FAULTS)
FREE = 98  # residues that are steered at nothing
MODULUS, SPREAD = len(PAIRS) + FREE, 311  # without a common divisor: neighbours differ in both
FREELY = 8  # every so many plays are steered at nothing


class Lean(NamedTuple):
    """How people and mischance lean, so that an edge comes about often: shares and chances between
    0 and 1, kinds of habits, requests and events, and how many of these there are for each drop."""

    submits: float = 0.25
    broken: float = 0.12
    unreadable: float = 0.22
    engine_dies: float = 0.01
    divided: bool = False  # legs among workers
    habits: tuple[str, ...] = ()
    requests: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    at_start: str = ""  # what often befalls starts, so that this edge follows


USUAL = Lean()
LEANS = {
    "a": Lean(submits=0.8),
    "b": Lean(submits=0.4),
    "r": Lean(broken=0.6),
    "d": Lean(divided=True),
    "f": Lean(unreadable=0.6),
    "g": Lean(engine_dies=0.1, at_start="drain"),
    "g.": Lean(at_start="asks"),
    "s": Lean(at_start="dies after"),
    "h": Lean(unreadable=0.6, requests=("retry",)),
    "i": Lean(requests=("cancel",)),
    "j": Lean(unreadable=0.5, requests=("delete",)),
    "k": Lean(unreadable=0.5, requests=("delete", "restore", "restore")),
    "q": Lean(habits=("misnames",), at_start="misnames"),
    "t": Lean(habits=("copies beside", "drags"), at_start="drags"),
}


# in drills, where nothing else must come about
DRILLED = LEANS | {
    "a": Lean(submits=1.0),
    "r": Lean(submits=0.0, broken=1.0),
    "f": Lean(submits=0.0, broken=0.0, unreadable=1.0),
    "h": Lean(submits=0.0, broken=0.0, unreadable=1.0, requests=("retry",)),
}


def target(seed: int) -> tuple[str, str]:
    """The edge and the fault that SEED is steered at; two empty words for none."""
    at = seed * SPREAD % MODULUS
    return PAIRS[at] if at < len(PAIRS) else ("", "")


class Schedule:
    """SEEDS for plays of SHAPE, those first whose pairs were met least by what SEEN counts
    meanwhile. Which seed comes next depends on that; what a seed plays does not. There are drills
    only of pairs that were not met often enough, each as often as the others."""

    def __init__(self, seeds: range, seen: Seen, shape: Shape = MINUTES) -> None:
        self.seen, self._given, self._drills = seen, 0, shape == DRILL
        self._left: dict[tuple[str, str], Iterator[int]] = {}
        inverse = pow(SPREAD, -1, MODULUS)
        for at, pair in enumerate(PAIRS):
            first = seeds.start + (at * inverse - seeds.start) % MODULUS
            self._left[pair] = iter(range(first, seeds.stop, MODULUS))
        self._free = (seed for seed in seeds if target(seed) == ("", ""))
        if not shape.steered:
            self._left, self._free = {}, iter(seeds)
        self._under_way: dict[int, tuple[str, str]] = {}
        self._times: Counter[tuple[str, str]] = Counter()
        self._turn = {pair: at * SPREAD % len(PAIRS) for at, pair in enumerate(PAIRS)}

    def next(self) -> int | None:
        """A seed that was not given yet; None where none is left."""
        self._given += 1
        if self._drills:
            return self._next_drill()
        if self._given % FREELY == 0 and (free := next(self._free, None)) is not None:
            return free
        busy = set(self._under_way.values())
        rare = sorted(self._left, key=lambda pair: (pair in busy, self._met(pair)))
        return self._first(rare)

    def _next_drill(self) -> int | None:
        short = [pair for pair in self._left if self._met(pair) < ENOUGH]
        # of those with as little, first at one edge and then at another
        short.sort(key=lambda pair: (self._times[pair], self._met(pair), self._turn[pair]))
        return self._first(short)

    def _first(self, pairs: list[tuple[str, str]]) -> int | None:
        """A seed that is steered at the first of PAIRS of which any is left."""
        for pair in pairs:
            if (seed := next(self._left[pair], None)) is not None:
                self._under_way[seed] = pair
                self._times[pair] += 1
                return seed
            del self._left[pair]
        return None if self._drills else next(self._free, None)

    def played(self, seed: int) -> None:
        self._under_way.pop(seed, None)

    def _met(self, pair: tuple[str, str]) -> int:
        """How often; what cannot be comes last, for one occasion takes it off the list."""
        return self.seen.met[pair] + (ENOUGH * ENOUGH if self.seen.cannot(*pair) else 0)
