"""Whose turn it is: which entries of inbox/ are looked at in a tick.

What is new, and what goes on as soon as nothing moves any more, is looked at in every tick. What
waits for a person may be thousands: a few of those a tick, in turn.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

from pipeline.drops.verdict import Wait

# of what waits long: at least so many a tick, and all of it once in so many ticks
FEWEST, TICKS = 20, 400
# where all waits long, looks take no more than this share of a core (what is done between them half
# as much), but come at least that often
SHARE, LONGEST = 0.006, 5.0  # seconds


class Turns:
    """Remembers whose turn it was. WINDOW: seconds of quiet after which an entry goes on. RESTING:
    at the last look nothing was new, and nothing may go on soon."""

    def __init__(self, limit: int, window: float) -> None:
        self.limit, self.window = limit, window
        self._soon = self._later = ""  # whose turn it was last
        self.resting = False

    def next(self, present: Sequence[str], waiting: Mapping[str, Wait], now: float) -> list[str]:
        """At most LIMIT of the entries PRESENT, which are sorted; WAITING: what was found of each,
        by a clock that shows NOW."""
        horizon = now + self.window
        far = {
            name
            for name, wait in waiting.items()
            if wait.until is not None and wait.until > horizon
        }
        # new, or it may go on soon; else its time is known, and far
        soon = [name for name in present if name not in far]
        later = [name for name in present if name in far] if soon else present
        self.resting = bool(present) and not soon
        few = min(len(later), max(FEWEST, -(-len(later) // TICKS)), max(1, self.limit // 2))
        many = min(len(soon), self.limit - few)
        first, then = _turn(soon, self._soon, many), _turn(later, self._later, few)
        self._soon, self._later = (first or [self._soon])[-1], (then or [self._later])[-1]
        return [*first, *then]

    def rest(self, tick: float, cost: float) -> float:
        """Seconds until the next look: TICK; more where all waits long and the last look cost so
        many seconds of a core."""
        return max(tick, min(cost / SHARE, LONGEST)) if self.resting else tick


def _turn(names: Sequence[str], last: str, count: int) -> list[str]:
    """COUNT of NAMES, which are sorted, after LAST, whose turn it was, round and round: others may
    have come and gone meanwhile."""
    at = bisect.bisect_right(names, last)
    return [*names[at:], *names[:at]][:count]
