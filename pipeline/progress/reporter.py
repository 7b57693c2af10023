"""Progress of the running job: progress.json for programs, PROGRESS.txt in one line for people, at
most every two seconds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

from layout import lifecycle, tree
from layout.manifest import JobFile, NewerFormat, Unreadable
from layout.move import holding
from layout.signs import Progress
from layout.tree import Atlas, Place
from pipeline import recipes
from pipeline.progress import COPY, PROMOTE, READY, words
from pipeline.progress.estimate import Estimate, Outlook
from pipeline.progress.likeness import Asked
from pipeline.progress.past import Guess, Past

INTERVAL = 2.0


class Reporter:
    """Tells how far one start is, in the folder that this worker holds: a share of the whole job,
    its copy and promotion included.

    Gone: the folder is no longer ours (the fence); LineFault: the share is away.
    """

    def __init__(self, atlas: Atlas, place: Place, job: JobFile, past: Past) -> None:
        self.atlas, self.place, self.past = atlas, place, past
        self.message, self._last = "", float("-inf")
        self._asked, self._guesses, self._version = Asked.of(job), dict[str, Guess](), -1
        self._legs = recipe.legs if (recipe := recipes.RECIPES.get(job.kind or "")) else ()
        before = self._handed_on()
        again = place.n > (job.accepted.n if job.accepted else 0) + 1 and before is None
        self._note = f"start {place.n}" if again else ""
        self.estimate = Estimate(
            recipes.stages(job.kind), self._guess, before.fraction if before else 0.0
        )

    def _guess(self, stage: str) -> Guess:
        if self._version != self.past.version:
            self._version, self._guesses = self.past.version, {}
        if stage not in self._guesses:
            self._guesses[stage] = self.past.guess(stage, self._asked)
        return self._guesses[stage]

    def _handed_on(self) -> Progress | None:
        """What the worker of the leg before left; None where the start before this one handed
        nothing on."""
        with contextlib.suppress(OSError, Unreadable, NewerFormat):
            progress = Progress.load(self.atlas.disk.read(self.place.path / tree.PROGRESS))
            return progress if progress.waits and progress.tells_of(self.place.n, None) else None
        return None

    # -- what happens --------------------------------------------------------------------------
    def keep(self, stages: Iterable[str]) -> None:
        """STAGES lie in the bag already: they count as done at once. A start that repeats something
        says what."""
        self.estimate.keep(stages)
        if self._note:
            due = self.estimate.due
            leg = next((leg.queue for leg in self._legs if leg.stages[0] == due), None)
            self._note = f"start {self.place.n}, " + (
                f"the {leg} leg is done again" if leg else f"goes on with {due}"
            )

    def at(self, stage: str, fraction: float, message: str) -> None:
        """STAGE (or a phase of the worker's own: copy, ready, promote) runs and is FRACTION done,
        in words MESSAGE."""
        self.estimate.begin(stage)
        self.say(fraction, message)

    def say(self, fraction: float, message: str) -> None:
        """The stage that runs is FRACTION done."""
        self.message = message
        self.estimate.say(fraction)

    def tick(self) -> None:
        """Write if it is time to, and look whether the folder is still ours."""
        if time.monotonic() - self._last < INTERVAL:
            return
        self._last = time.monotonic()
        self._write(self.estimate.look(), self.message)

    def phases(self) -> dict[str, float]:
        """Seconds that the worker's own phases took in this start; the stages are timed by the
        engine."""
        return {
            phase: round(seconds, 3)
            for phase, seconds in self.estimate.ended().items()
            if phase in (COPY, READY, PROMOTE)
        }

    def hand_on(self, queue: str) -> None:
        """The job goes on in QUEUE: its fraction stays with it while it waits."""
        self._write(self.estimate.handed_on(), "", queue)

    def _write(self, outlook: Outlook, message: str, waits: str | None = None) -> None:
        said = (
            f"waits for a worker of queue {waits}"
            if waits
            else ": ".join(part for part in (self._note, message) if part)
        )
        progress = Progress(
            stage=self.estimate.due, fraction=int(1000 * outlook.fraction) / 1000, message=said,
            eta=round(outlook.eta, 1), eta_error=round(outlook.error, 1), cold=outlook.cold,
            said=self.estimate.said, n=self.place.n, waits=waits,
        )  # fmt: skip
        with holding(self.atlas, self.place):
            self._put(tree.PROGRESS, progress.dump())
            self._put(tree.PROGRESS_LINE, f"{words.line(progress)}\n".encode())

    def _put(self, name: str, data: bytes) -> None:
        """A folder that a person made of that name stands in no job's way."""
        try:
            self.atlas.disk.replace(self.place.path / name, data)
        except IsADirectoryError:
            lifecycle.set_aside(self.atlas, self.place.path, self.place.n, (name,))
            self.atlas.disk.replace(self.place.path / name, data)
