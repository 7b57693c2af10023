"""The edges out of processing/ that a worker takes, and what stands in the job folder before each
of them."""

from __future__ import annotations

import contextlib
import logging

from layout import lifecycle, promote, tree
from layout.lifecycle import Due
from layout.manifest import JobFile, Outcome, now, write_job
from layout.tree import Atlas, Place
from pipeline.config import Settings
from pipeline.errors import EngineDied, InputRejected, PipelineError, StageFailed
from pipeline.kept import keys
from pipeline.progress import PROMOTE
from pipeline.progress.past import Past
from pipeline.recipes import Leg
from pipeline.runner import disagreement, due, handover, input_list
from pipeline.runner.failing import error_file, poisoned
from pipeline.runner.held import HeldJob
from pipeline.runner.patience import Patience
from pipeline.runner.provenance import describe

log = logging.getLogger(__name__)
CHANGED = "input/ was still changing"
ASKED = (
    "job.toml is not the one that was read when the job was accepted: the options are read again"
)
MAX_CHANGED = 3
CHANGING = InputRejected("input/ keeps changing.", remedy="Finish copying.")
EMPTY = InputRejected(
    "Nothing of what was dropped is left in input/.", remedy="Put the files back into input/."
)
BACK = "its input or options are no longer those of the work that was done: back to"


class Edges:
    """The edges of one worker's jobs."""

    def __init__(self, atlas: Atlas, settings: Settings, patience: Patience, past: Past) -> None:
        self.atlas, self.settings, self.patience, self.past = atlas, settings, patience, past

    def settle(self, place: Place, verdict: Due, job: JobFile | None, ended: bool) -> Place:
        """Act on a verdict of ``due``, patiently."""
        return self.patience(place, lambda: due.settle(self.atlas, place, verdict, job, ended))

    def finish(self, held: HeldJob) -> Place:
        place, output = held.place, held.root / tree.OUTPUT
        held.reporter.at(PROMOTE, 0.0, "putting the results in place")
        if not output.is_dir() or not any(output.iterdir()):
            raise StageFailed("The recipe ended without a result.")
        self.patience(place, lambda: input_list.check(self.atlas.disk, place, held.seen))
        key = keys.of_result(self.atlas.disk, place, due.legs_of(held.job), held.job, held.seen)
        self.patience(
            place,
            lambda: promote.promote(self.atlas, place, output, tree.OUTPUT, key, held.promoting()),
        )
        held.job.note_start(place.n, ended=now(), outcome=Outcome.FINISHED)
        self._leave(held, "finished")
        done = self.patience(place, lambda: lifecycle.finish(self.atlas, place))
        self.past.learn(held.job)
        return done

    def hand_on(self, held: HeldJob, leg: Leg, following: Leg, done: tuple[str, ...]) -> Place:
        place, packed = held.place, held.root / "parcel"
        self.patience(place, lambda: input_list.check(self.atlas.disk, place, held.seen))
        handover.pack(held.root, packed, done)
        key = keys.of_legs(due.legs_of(held.job), held.job)[leg.queue]
        self.patience(
            place,
            lambda: promote.promote(
                self.atlas, place, packed, f"{tree.WORK}/{leg.queue}", key, held.promoting()
            ),
        )
        self._leave(held, f"handed on to {following.queue}", following.queue)
        self.past.await_end(held.job)
        return self.patience(place, lambda: lifecycle.hand_on(self.atlas, place, following.queue))

    def release(
        self,
        held: HeldJob,
        noted: str | None,
        outcome: Outcome = Outcome.RELEASED,
        queue: str | None = None,
    ) -> Place:
        """Back to QUEUE, else to the first leg whose artefacts are not in work/, since this host's
        scratch may not be seen again."""
        queue = queue or due.queue_of(self.atlas, held.place, held.job)
        self._leave(held, f"released: {noted or 'crashed'}")
        return self.patience(
            held.place, lambda: lifecycle.release(self.atlas, held.place, queue, noted, outcome)
        )

    def back(self, held: HeldJob, leg: Leg, queue: str) -> Place:
        """To an earlier leg, which other workers serve: what it made before is not what is asked
        for now. Disagreement where its worker will make the same again."""
        first = held.kept[0] if held.kept else None
        found = first and self.patience(
            held.place,
            lambda: disagreement.between(self.atlas, held.place, held.job, leg, first, queue),
        )
        if found:
            raise found
        return self.release(held, f"{BACK} {leg.queue}", Outcome.SENT_BACK, leg.queue)

    def changed(self, held: HeldJob, queue: str, error: input_list.InputChanged) -> Place:
        """Late arrivals: back, uncounted, with a doubled quiet time; the third time in a run the
        job fails."""
        if held.ended(Outcome.CHANGED) + 1 >= MAX_CHANGED:
            return self.fail(held, queue, EMPTY if error.empty else CHANGING)
        held.job.quiet = 2 * (held.job.quiet or self.settings.intake.quiet_local)
        return self.release(held, CHANGED, Outcome.CHANGED)

    def accept_anew(self, held: HeldJob) -> Place:
        """Back behind the dot, where the intake reads the options anew."""
        held.job.note_start(held.place.n, ended=now(), noted=ASKED, outcome=Outcome.ASKED_ANEW)
        self._leave(held, f"released: {ASKED}")
        return self.patience(held.place, lambda: lifecycle.accept_anew(self.atlas, held.place))

    def crashed(self, held: HeldJob, queue: str, error: EngineDied) -> Place:
        held.job.note_start(held.place.n, crash=error.message)
        if held.job.crashes(held.place.n) >= self.settings.worker.max_crashes:
            return self.fail(held, queue, poisoned(held.job, held.place.n, error))
        return self.release(held, None)

    def fail(self, held: HeldJob, queue: str, error: PipelineError) -> Place:
        log.info(
            "job.failed job=%s error=%s message=%s",
            held.place.id,
            type(error).__name__,
            error.message,
        )
        held.job.note_start(
            held.place.n,
            ended=now(),
            noted=f"failed: {type(error).__name__}",
            outcome=Outcome.FAILED,
        )
        self._leave(held, f"failed: {error.message}")
        return self.patience(
            held.place,
            lambda: lifecycle.fail(self.atlas, held.place, error_file(error, held.place.n, queue)),
        )

    def _leave(self, held: HeldJob, words: str, waits: str | None = None) -> None:
        """What stands in the job folder before any edge out of processing/: job.json and log.txt,
        and progress where it WAITS."""
        disk, place = self.atlas.disk, held.place
        held.note(words)
        # what a full scratch cut off is told by nobody
        with contextlib.suppress(OSError, ValueError):
            times = held.reporter.phases() | held.times
            describe(
                held.job,
                held.made(),
                times,
                held.peak,
                {"worker": self.settings.worker.model_dump(mode="json")},
            )
        self.patience(place, lambda: write_job(disk, place.path, held.job))
        with contextlib.suppress(PipelineError):
            self.patience(
                place,
                lambda: disk.replace(place.path / tree.LOG, (held.root / tree.LOG).read_bytes()),
            )
        if waits is not None:
            self.patience(place, lambda: held.reporter.hand_on(waits))
