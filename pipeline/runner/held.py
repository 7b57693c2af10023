"""The job that a worker holds: its place, its job.json, its workspace, and who tells how far it
is."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from layout import dropped, tree
from layout.disk import LineFault
from layout.manifest import JobFile, Outcome
from layout.tree import Place
from pipeline import jobs, recipes
from pipeline.errors import BackendUnavailable, InputRejected, SubmitRefused
from pipeline.gpu.engine import Event
from pipeline.kept import keys, store
from pipeline.kept.snapshot import Snapshot
from pipeline.kept.store import Kept
from pipeline.progress.reporter import Reporter

log = logging.getLogger(__name__)


class Drained(Exception):
    """The worker was asked to stop; the job goes back uncounted."""


class HeldJob:
    """A job this worker holds, from its start to its next edge. STOPPING tells whether the worker
    was asked to stop."""

    def __init__(
        self,
        place: Place,
        job: JobFile,
        root: Path,
        reporter: Reporter,
        stopping: Callable[[], bool],
    ) -> None:
        self.place, self.job, self.root, self.reporter = place, job, root, reporter
        self.stopping = stopping
        self.seen: Snapshot = ()
        # what is asked for and was made already, once the input is known
        self.kept: list[Kept] | None = None
        self.lock: IO[bytes] | None = None  # of the workspace
        self.times: dict[str, float] = {}
        self.peak = 0

    @property
    def base(self) -> int:
        """The last start before this run; those after it count."""
        return self.job.accepted.n if self.job.accepted else 0

    def ended(self, outcome: Outcome) -> int:
        """How many starts of this run ended so."""
        return sum(start.outcome is outcome for start in self.job.starts if start.n > self.base)

    def close(self) -> None:
        if self.lock is not None:
            self.lock.close()

    def options(self) -> jobs.Common:
        """What is asked for; InputRejected or BackendUnavailable where it cannot be done."""
        try:
            options: jobs.Common = jobs.parse({"kind": self.job.kind, **self.job.options})
        except SubmitRefused as error:
            raise InputRejected(error.message) from None
        if options.kind not in recipes.RECIPES:
            raise BackendUnavailable(
                f"This worker knows no recipe for {self.job.kind} jobs.",
                remedy="Update inbox3d on this host.",
            )
        return options

    def made(self) -> list[Kept]:
        """What there is now of what is asked for, made by this start or kept from an earlier one;
        nothing until the input is known."""
        if self.kept is None:
            return []
        found = {one.stage: one for one in store.load(self.root)}
        stages, options = recipes.stages(self.job.kind), self.options()
        return keys.standing(
            stages,
            options,
            self.kept[0],
            lambda stage: filter(None, [found.get(stage)]),
            lambda stage: False,
        )

    def drop(self) -> Path:
        """The copy of what was dropped: manifest paths are relative to it."""
        return self.root / tree.INPUT / dropped.top_of(path for path, *_ in self.seen)

    # -- telling -------------------------------------------------------------------------------
    def note(self, line: str) -> None:
        """LINE into the job's log. A scratch that takes no line takes no stage's files either, and
        that is told there."""
        said = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n"
        with contextlib.suppress(OSError), (self.root / tree.LOG).open("ab", buffering=0) as to:
            to.write(said.encode())

    def tick(self) -> None:
        """Several times a second: shows how far the job is. Drained when the worker was asked to
        stop, Gone when the job was taken away."""
        if self.stopping():
            raise Drained
        self._show()

    def phase(self, phase: str) -> Callable[[float, str], None]:
        """What a long step of the worker itself calls with its share and a few words; Drained and
        Gone as at every tick."""

        def say(fraction: float, message: str) -> None:
            self.reporter.at(phase, fraction, message)
            self.tick()

        return say

    def promoting(self) -> Callable[[float], None]:
        """What a promotion calls; it is not drained, for its result is made."""

        def say(share: float) -> None:
            self.reporter.say(share, "putting the results in place")
            self._show()

        return say

    def heard(self, event: Event) -> None:
        """What the engine says of the leg that it runs."""
        reporter = self.reporter
        if event.what == "stage":
            reporter.at(event.said, 0.0, "")
            self.note(f"{event.said} begins")
        elif event.what == "progress":
            reporter.say(event.said[0], event.said[1])
        elif event.what == "ended":
            stage, seconds, peak = event.said
            self.times[stage], self.peak = seconds, max(self.peak, peak)
            self.note(
                f"{stage} ended after {seconds:.1f} s, peak memory {peak / 2**20:.0f} MiB",
            )

    def _show(self) -> None:
        """How far a job is comforts people: where that cannot be written, the job goes on. What may
        not be written for longer is told at the next edge."""
        try:
            self.reporter.tick()
        except (LineFault, PermissionError) as error:
            why = error.message if isinstance(error, LineFault) else str(error)
            log.warning("line.fault job=%s what=%s", self.place.id, why)
