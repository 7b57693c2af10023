"""One start of a job: which share of the whole job is done, how long the rest may take, and how
sure that is.

The share moves as the time left says: in DT seconds it takes DT / (DT + left) of what is missing.
So it never falls, never jumps ahead of the work, slows down where a stage takes longer than
foreseen, and is 1 only when the job has ended.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pipeline.progress import COPY, PROMOTE, READY
from pipeline.progress.past import Guess
from pipeline.progress.weights import STEADY

HIGHEST = 0.999  # what a running job may say at most
TINY, LEAST_ERROR = 0.05, 1.0  # seconds
LINGERS = 0.25  # a stage that outruns its time is taken to need that share of what it took so far
PACE_LIMITS = (0.25, 4.0)
# shares of the whole time: what has ended counts half once it is as long
TRUST, COLD_TRUST = 0.3, 0.1


class Outlook(NamedTuple):
    """Share of the whole job that is done; seconds left; how wrong they may be; whether they rest
    on no earlier job."""

    fraction: float
    eta: float
    error: float
    cold: bool


class Rest(NamedTuple):
    """What is still to do: seconds, their error, coldness, and by how much the running stage has
    outrun its time, halved."""

    seconds: float
    error: float
    cold: bool
    overrun: float


class Estimate:
    """STAGES: those of all legs, in order. GUESS tells what a stage may take. FRACTION: where an
    earlier start handed the job on."""

    def __init__(
        self,
        stages: Iterable[str],
        guess: Callable[[str], Guess],
        fraction: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.guess, self.clock = guess, clock
        self.fraction = min(max(fraction, 0.0), HIGHEST)
        self.took: dict[str, float] = {}  # seconds of what has ended in this start
        self.current: str | None = None
        self.said = 0.0  # the share of the running stage that it told itself
        self._order = tuple(stages)
        self._todo = dict.fromkeys((COPY, READY, *self._order, PROMOTE))
        self._foreseen = 0.0
        self._since = self._flowed = clock()

    # -- what happens --------------------------------------------------------------------------
    def keep(self, stages: Iterable[str]) -> None:
        """STAGES were done by an earlier start: they count at once."""
        kept = [stage for stage in dict.fromkeys(stages) if stage in self._todo]
        for stage in kept:
            del self._todo[stage]
        done = sum(self.guess(stage).seconds for stage in kept)
        self.fraction = min(max(self.fraction, done / (done + self._rest().seconds)), HIGHEST)

    def begin(self, stage: str) -> None:
        """STAGE runs from now on; what ran before has ended. One that was kept and is done again is
        to do again."""
        if stage == self.current:
            return
        self._flow()
        self._end()
        self._todo.setdefault(stage)
        self.current, self._since, self.said = stage, self.clock(), 0.0

    def say(self, fraction: float) -> None:
        """The running stage says that FRACTION of it is done."""
        self._flow()
        self.said = max(self.said, min(max(fraction, 0.0), 1.0))

    def _end(self) -> None:
        if self.current is not None and self.current in self._todo:
            self._foreseen += self.guess(self.current).seconds
            self.took[self.current] = self.took.get(self.current, 0.0) + self.clock() - self._since
            del self._todo[self.current]

    def ended(self) -> dict[str, float]:
        """Seconds of each stage that ended in this start, the running one taken to end now."""
        running = (
            {self.current: self.took.get(self.current, 0.0) + self.clock() - self._since}
            if self.current
            else {}
        )
        return self.took | running

    @property
    def due(self) -> str:
        """The recipe's stage that runs or comes next; the last one where only the promotion is
        left."""
        return next(
            (stage for stage in self._todo if stage in self._order),
            self._order[-1] if self._order else "",
        )

    # -- what it tells -------------------------------------------------------------------------
    def look(self) -> Outlook:
        self._flow()
        rest = self._rest()
        return Outlook(self.fraction, rest.seconds, rest.error, rest.cold)

    def handed_on(self) -> Outlook:
        """What is left for the worker of the next leg, which copies the input once more."""
        self._flow()
        self._end()
        self.current, self.said = None, 0.0
        self._todo = dict.fromkeys((COPY, READY, *self._todo))
        return self.look()

    def _flow(self) -> None:
        now = self.clock()
        passed, self._flowed = max(now - self._flowed, 0.0), now
        if passed:
            rest = self._rest()
            self.fraction = min(
                self.fraction
                + (1 - self.fraction) * passed / (passed + rest.seconds + rest.overrun),
                HIGHEST,
            )

    def _rest(self) -> Rest:
        guesses = {stage: self.guess(stage) for stage in self._todo}
        pace = self._pace(guesses.values())
        seconds = {stage: pace * guess.seconds for stage, guess in guesses.items()}
        overrun = 0.0
        if self.current in seconds:
            seconds[self.current], overrun = self._rest_of_current(seconds[self.current])
        left = sum(seconds.values())
        error = overrun + sum(seconds[stage] * guess.doubt for stage, guess in guesses.items())
        cold = sum(seconds[stage] for stage, guess in guesses.items() if guess.cold)
        return Rest(max(left, TINY), max(error, LEAST_ERROR), 2 * cold > left, overrun)

    def _rest_of_current(self, foreseen: float) -> tuple[float, float]:
        """Seconds that the running stage may still need, and half of what it took beyond its
        time."""
        spent = self.clock() - self._since
        if self.current in STEADY and self.said > 0:
            return (1 - self.said) * ((1 - self.said) * foreseen + spent), 0.0
        return max(foreseen - spent, LINGERS * spent), max(spent - foreseen, 0.0) / 2

    def _pace(self, guesses: Iterable[Guess]) -> float:
        """How fast this start is beside what was foreseen: near 1 at first, near the truth once
        much of it is done."""
        rest, cold = 0.0, 0.0
        for guess in guesses:
            rest += guess.seconds
            cold += guess.seconds * guess.cold
        trust = (COLD_TRUST if 2 * cold > rest else TRUST) * (self._foreseen + rest) + TINY
        lowest, highest = PACE_LIMITS
        return min(
            max((trust + sum(self.took.values())) / (trust + self._foreseen), lowest), highest
        )
