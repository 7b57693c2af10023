"""Jobs that the storage sent back: each is tried again after a while, and after a longer one each
time. A fault that shows only at the end of a job would else have it started, and its starts
counted, several times a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from layout.attention import Waits

LONGEST = 600.0  # seconds


class _Rest(NamedTuple):
    until: float
    wait: float
    why: str


class Resting:
    """FIRST: seconds that a job rests the first time."""

    def __init__(self, first: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.first, self.clock = first, clock
        self._rests: dict[str, _Rest] = {}

    def sent_back(self, id: str, why: str) -> None:
        """A start of job ID ended in a fault of the storage, WHY in words."""
        before = self._rests.get(id)
        wait = min(2 * before.wait, LONGEST) if before else self.first
        self._rests[id] = _Rest(self.clock() + wait, wait, why)

    def demand(self, id: str) -> None:
        """Waits, in words, while job ID rests."""
        rest = self._rests.get(id)
        if rest and self.clock() < rest.until:
            raise Waits(
                f"the storage did not let it go on: {rest.why}; it is tried again by itself"
            )

    def forget(self, id: str) -> None:
        """A start of job ID ended otherwise."""
        self._rests.pop(id, None)
