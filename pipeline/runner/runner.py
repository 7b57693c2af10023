"""One job, one leg at a time: input → scratch → stages → promoted → the next edge. The only place
that turns an error into an edge."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from layout import lifecycle
from layout.disk import LineFault
from layout.lifecycle import Due, Gone
from layout.manifest import Outcome
from layout.promote import PathGone
from layout.scratch import Scratch
from layout.tree import Atlas, Place
from pipeline import jobs, queues, recipes
from pipeline.config import Settings
from pipeline.errors import (
    BackendUnavailable,
    EngineDied,
    HostFault,
    InputRejected,
    OutOfGpuMemory,
    PipelineError,
    StageFailed,
)
from pipeline.gpu.engine import Engine, Order
from pipeline.progress import COPY, READY
from pipeline.progress.past import Past
from pipeline.progress.reporter import Reporter
from pipeline.recipes import Leg
from pipeline.runner import due, scratch
from pipeline.runner.beginning import AsksAnew, Beginning
from pipeline.runner.disagreement import REMEDY, Disagreement
from pipeline.runner.edges import Edges
from pipeline.runner.held import Drained, HeldJob
from pipeline.runner.input_list import InputChanged
from pipeline.runner.patience import Patience

log = logging.getLogger(__name__)

NETWORK_STAGES = ("views.fetch_images",)
ASSIST_STAGE = "finish.assist"  # it needs the network only where an assist service is set


class Ending(NamedTuple):
    """What became of a start: the place the job stands in now (None: it was taken from us) and,
    where it matters, the error."""

    place: Place | None
    error: PipelineError | LineFault | None = None


class Runner:
    """Runs the jobs of one worker. PAUSE waits between two tries of an edge on a line that does not
    work; True means: stop."""

    def __init__(
        self,
        atlas: Atlas,
        scratch: Scratch,
        settings: Settings,
        worker: str,
        queues: tuple[str, ...],
        engine: Engine,
        models: Path | None,
        stopping: Callable[[], bool],
        pause: Callable[[str], bool],
    ) -> None:
        self.atlas, self.scratch, self.settings = atlas, scratch, settings
        self.worker, self.queues = worker, queues
        self.engine, self.models, self.stopping = engine, models, stopping
        self.past = Past(atlas)
        self.patience = Patience(atlas, scratch, models, pause)
        self.beginning = Beginning(atlas, self.patience, queues)
        self.edges = Edges(atlas, settings, self.patience, self.past)
        # the live worker of a queue whose GPU has more memory; "" where there is none
        self.roomier: Callable[[str], str] = lambda queue: ""

    def run(self, place: Place, queue: str) -> Ending:
        """Take the job that stands at PLACE (just started by this worker, due for QUEUE) to its
        next edge."""
        try:
            verdict, job = self.patience(
                place,
                lambda: due.verdict(
                    self.atlas, place, self.settings.worker.max_crashes, ended=False
                ),
            )
            if verdict is not Due.RELEASE or job is None:
                return Ending(self.edges.settle(place, verdict, job, ended=False))
            started = self.patience(place, lambda: lifecycle.record_start(self.atlas, place))
            self.past.refresh()
            held = HeldJob(
                place,
                started,
                self.scratch.of(place),
                Reporter(self.atlas, place, started, self.past),
                self.stopping,
            )
            try:
                return self._edge_of(held, queue)
            finally:
                held.close()
        except (Gone, PathGone):
            log.warning("job.lost job=%s worker=%s", place.id, self.worker)
            return Ending(None)

    def _edge_of(self, held: HeldJob, queue: str) -> Ending:
        try:
            return Ending(self._legs(held, queue))
        except (Gone, PathGone):
            raise
        except InputChanged as error:
            return Ending(self.edges.changed(held, queue, error))
        except AsksAnew:
            return Ending(self.edges.accept_anew(held))
        except Drained:
            return Ending(self.edges.release(held, "drained"))
        except Exception as error:
            blamed = self._swept(held) or self.patience.blamed(error)
            if blamed is not error:
                log.warning(
                    "error.sorted job=%s as=%s",
                    held.place.id,
                    type(blamed).__name__,
                    # who must act is told in words; how it came about counts where a stage failed
                    exc_info=error if isinstance(blamed, StageFailed) else None,
                )
            return self._edge_for(held, queue, blamed)

    def _swept(self, held: HeldJob) -> HostFault | None:
        """Without its files a stage may say anything: it is no fault of the job."""
        if held.lock is None or not scratch.swept(held.root):
            return None
        return HostFault(
            f"Files of the running job were deleted from scratch ({held.root}).",
            remedy="Keep programs that tidy up away from [host] scratch on that host; the job is"
            " done again by itself.",
            number=errno.ENOENT,
        )

    def _edge_for(self, held: HeldJob, queue: str, error: PipelineError | LineFault) -> Ending:
        """The edge for a start that ended in ERROR, already sorted by who must act."""
        if isinstance(error, LineFault | HostFault | BackendUnavailable):
            line = isinstance(error, LineFault)
            waits_for = error.queue if isinstance(error, Disagreement) else None
            place = self.edges.release(
                held, error.message, Outcome.RELEASED if line else Outcome.LACKING, waits_for
            )
            return Ending(place, error)
        if isinstance(error, OutOfGpuMemory) and (other := self.roomier(error.leg or queue)):
            noted = f"{error.message} It is left to {other}, whose GPU has more."
            return Ending(self.edges.release(held, noted, Outcome.LACKING), error)
        if isinstance(error, EngineDied):
            return Ending(self.edges.crashed(held, queue, error), error)
        return Ending(self.edges.fail(held, queue, error), error)

    def _legs(self, held: HeldJob, queue: str) -> Place:
        """Run legs from QUEUE on, or from the first whose work no longer fits, straight through as
        long as this worker serves the next."""
        self.beginning.enter(held)
        options = self._options(held, queue)
        recipe = recipes.RECIPES[options.kind]
        held.reporter.at(COPY, 0.0, "copying the input")
        held.tick()
        self.beginning.fetch(held)
        held.reporter.keep(one.stage for one in self.beginning.resume(held, recipe, options))
        held.reporter.at(READY, 0.0, "starting")
        first = self.beginning.first(held, recipe, queue)
        if first.queue not in self.queues:
            return self.edges.back(held, first, queue)
        leg: Leg | None = first
        while leg is not None:
            self._run_leg(held, leg, recipe.before(leg.queue))
            following = recipe.after(leg.queue)
            if following is not None and following.queue not in self.queues:
                return self.edges.hand_on(held, leg, following, recipe.before(following.queue))
            leg = following
        return self.edges.finish(held)

    def _options(self, held: HeldJob, queue: str) -> jobs.Common:
        """What is asked for. It was understood when the job was accepted: where it is not here,
        another host is of a newer version."""
        try:
            return held.options()
        except (InputRejected, BackendUnavailable) as error:
            raise Disagreement(
                f"Another host accepted this job, and this one does not know what it asks for:"
                f" {error.message} {REMEDY}",
                queue,
            ) from None

    def _run_leg(self, held: HeldJob, leg: Leg, before: tuple[str, ...]) -> None:
        assist = self.settings.assist.service if ASSIST_STAGE in leg.stages else None
        order = Order(
            leg.stages,
            {"kind": held.job.kind, **held.job.options},
            held.root,
            held.drop(),
            self.models if self.models and self.models.is_dir() else None,
            isolated=not queues.QUEUES[leg.queue].hot,
            network=any(stage in NETWORK_STAGES for stage in leg.stages) or assist is not None,
            assist=assist,
            lan=self.settings.worker.image_lan,
            before=before,
        )
        log.info("leg.started job=%s leg=%s worker=%s", held.place.id, leg.queue, self.worker)
        try:
            self.engine.run(order, held.heard, held.tick)
        except PipelineError as error:
            error.leg = leg.queue
            raise
