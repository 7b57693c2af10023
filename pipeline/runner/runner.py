"""One job, one leg at a time: input → scratch → stages → promoted → the next edge. The only place
that turns an error into an edge."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from layout import accept, lifecycle, promote, tree
from layout.disk import LineFault
from layout.lifecycle import Due, Gone
from layout.manifest import JobFile, now, write_job
from layout.manifest import Outcome as Ended
from layout.move import holding
from layout.promote import Mangled, PathGone
from layout.tree import Atlas, Place, Scratch
from pipeline import blame, jobs, queues, recipes
from pipeline.artefacts import Dropped
from pipeline.config import Settings
from pipeline.errors import (
    BackendUnavailable,
    EngineDied,
    HostFault,
    InputRejected,
    PipelineError,
    StageFailed,
    SubmitRefused,
)
from pipeline.gpu.engine import Engine, Event, Order
from pipeline.kept import declared, keys, store
from pipeline.kept.snapshot import Snapshot
from pipeline.kept.store import Kept
from pipeline.progress import COPY, PROMOTE, READY
from pipeline.progress.past import Past
from pipeline.progress.reporter import Reporter
from pipeline.recipes import Leg, Recipe
from pipeline.runner import due, handover, input_copy, scratch
from pipeline.runner.failing import DELETED, error_file, poisoned
from pipeline.runner.input_copy import InputChanged
from pipeline.runner.provenance import describe

log = logging.getLogger(__name__)
T = TypeVar("T")

NETWORK_STAGES = ("views.fetch_images",)
ASSIST_STAGE = "finish.assist"  # it needs the network only where an assist service is set
CHANGED = "input/ was still changing"
ASKED = (
    "job.toml is not the one that was read when the job was accepted: the options are read again"
)
MAX_CHANGED = 3
BACK, MAX_BACK = "its input or options are no longer those of the work that was done: back to", 5


class Drained(Exception):
    """The worker was asked to stop; the job goes back uncounted."""


class AsksAnew(Exception):
    """A job.toml came or was changed after the job was accepted."""


class Outcome(NamedTuple):
    """What became of a start: the place the job stands in now (None: it was taken from us) and,
    where it matters, the error."""

    place: Place | None
    error: PipelineError | None = None


class Held:
    """A job this worker holds: its place, its job.json, its local root, and who tells how far it
    is."""

    def __init__(self, place: Place, job: JobFile, root: Path, reporter: Reporter) -> None:
        self.place, self.job, self.root, self.reporter = place, job, root, reporter
        self.seen: Snapshot = ()
        # what is asked for and was made already, once the input is known
        self.kept: list[Kept] | None = None
        self.lock: IO[bytes] | None = None  # of the workspace
        self.times: dict[str, float] = {}
        self.peak = 0

    def close(self) -> None:
        if self.lock is not None:
            self.lock.close()


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
        self.atlas, self.scratch, self.settings, self.worker, self.queues = (
            atlas,
            scratch,
            settings,
            worker,
            queues,
        )
        self.engine, self.models, self.stopping, self.pause = engine, models, stopping, pause
        self.past = Past(atlas)

    # -- the whole of a start ------------------------------------------------------------------
    def run(self, place: Place, queue: str) -> Outcome:
        """Take the job that stands at PLACE (just started by this worker, due for QUEUE) to its
        next edge."""
        try:
            verdict, job = self._patiently(
                place,
                lambda: due.verdict(
                    self.atlas, place, self.settings.worker.max_crashes, ended=False
                ),
            )
            if verdict is not Due.RELEASE or job is None:
                return Outcome(self.settle(place, verdict, job))
            started = self._patiently(place, lambda: lifecycle.record_start(self.atlas, place))
            self.past.refresh()
            held = Held(
                place,
                started,
                self.scratch.of(place),
                Reporter(self.atlas, place, started, self.past),
            )
            try:
                return self._edge_of(held, queue)
            finally:
                held.close()
        except (Gone, PathGone):
            log.warning("job.lost job=%s worker=%s", place.id, self.worker)
            return Outcome(None)

    def settle(self, place: Place, verdict: Due, job: JobFile | None) -> Place:
        """Act on a verdict of ``due``: what a worker does with a folder of its own that it is not
        running."""
        if verdict is Due.FINISH:
            return self._patiently(place, lambda: lifecycle.finish(self.atlas, place))
        if verdict is Due.RELEASE and job is not None:
            return self._patiently(
                place,
                lambda: lifecycle.release(
                    self.atlas, place, due.queue_of(self.atlas, place, job), None
                ),
            )
        if verdict is Due.ANEW:
            return self._patiently(place, lambda: lifecycle.accept_anew(self.atlas, place))
        error = DELETED if verdict is Due.DELETED else poisoned(job, place.n)
        return self._patiently(
            place, lambda: lifecycle.fail(self.atlas, place, error_file(error, place.n))
        )

    def _edge_of(self, held: Held, queue: str) -> Outcome:
        try:
            return Outcome(self._legs(held, queue))
        except (Gone, PathGone):
            raise
        except InputChanged:
            return Outcome(self._changed(held, queue))
        except AsksAnew:
            return Outcome(self._accept_anew(held))
        except Drained:
            return Outcome(self._release(held, "drained"))
        except Exception as error:
            blamed = self._blamed(error)
            if blamed is not error:
                log.warning(
                    "error.sorted job=%s as=%s",
                    held.place.id,
                    type(blamed).__name__,
                    exc_info=error,
                )
            return self._edge_for(held, queue, blamed)

    def _edge_for(self, held: Held, queue: str, error: PipelineError | LineFault) -> Outcome:
        """The edge for a start that ended in ERROR, already sorted by who must act."""
        if isinstance(error, LineFault | HostFault | BackendUnavailable):
            line = isinstance(error, LineFault)
            place = self._release(held, error.message, Ended.RELEASED if line else Ended.LACKING)
            return Outcome(place, None if isinstance(error, LineFault) else error)
        if isinstance(error, EngineDied):
            return Outcome(self._crashed(held, queue, error), error)
        return Outcome(self._fail(held, queue, error), error)

    def _blamed(self, error: BaseException) -> PipelineError | LineFault:
        return blame.of(error, blame.Grounds(self.scratch.root, self.models, self.atlas.root))

    def _legs(self, held: Held, queue: str) -> Place:
        """Run legs from QUEUE on, or from the first whose work no longer fits, straight through as
        long as this worker serves the next."""
        self._enter_scratch(held)
        options = self._options(held.job)
        recipe = recipes.RECIPES[options.kind]
        held.reporter.at(COPY, 0.0, "copying the input")
        self._tick(held)
        self._fetch(held)
        held.reporter.keep(one.stage for one in self._resume(held, recipe, options))
        held.reporter.at(READY, 0.0, "starting")
        first = self._first(held, recipe, queue)
        if first.queue not in self.queues:
            return self._back(held, first)
        leg: Leg | None = first
        while leg is not None:
            self._run_leg(held, leg, recipe.before(leg.queue))
            following = recipe.after(leg.queue)
            if following is not None and following.queue not in self.queues:
                return self._hand_on(held, leg, following, recipe.before(following.queue))
            leg = following
        return self._finish(held)

    # -- parts ---------------------------------------------------------------------------------
    def _options(self, job: JobFile) -> jobs.Common:
        try:
            options: jobs.Common = jobs.parse({"kind": job.kind, **job.options})
        except SubmitRefused as error:
            raise InputRejected(error.message) from None
        if options.kind not in recipes.RECIPES:
            raise BackendUnavailable(
                f"This worker knows no recipe for {job.kind} jobs.",
                remedy="Update inbox3d on this host.",
            )
        return options

    def _fetch(self, held: Held) -> None:
        """Bring input/ to scratch, with sums into job.json, and put the first artefact into the
        bag."""
        disk, place, say = self.atlas.disk, held.place, self._phase(held, COPY)
        held.root.mkdir(parents=True, exist_ok=True)
        held.seen, sums = self._patiently(
            place, lambda: input_copy.copy(disk, place, held.root, say)
        )
        if self._patiently(
            place, lambda: input_copy.enlist(disk, place, held.job, held.seen, sums)
        ):
            raise AsksAnew
        named, dropped = (
            held.job.options.get("image_paths") or (),
            {row.path for row in held.job.manifest},
        )
        taken = self._patiently(
            place,
            lambda: input_copy.fetch_named(self.atlas, named, self._local_drop(held), dropped, say),
        )
        held.job.provenance.inputs = taken
        self._patiently(place, lambda: write_job(disk, place.path, held.job))

    def _resume(self, held: Held, recipe: Recipe, options: jobs.Common) -> list[Kept]:
        """Leave in scratch what was made of this very input with these options, on this host or by
        the legs in work/."""
        dropped = Dropped(names=tuple(row.path for row in held.job.manifest if row.used))
        first = Kept.of(held.root, "", dropped, key=keys.of_input(held.job))
        ours = {stage for leg in recipe.legs if leg.queue in self.queues for stage in leg.stages}
        disk, place = self.atlas.disk, held.place
        held.kept = self._patiently(
            place,
            lambda: handover.unpack(
                disk,
                place.path / tree.WORK,
                held.root,
                recipe.legs,
                options,
                first,
                ours.__contains__,
            ),
        )
        return held.kept

    def _first(self, held: Held, recipe: Recipe, queue: str) -> Leg:
        """The leg to begin with: that of QUEUE, or an earlier one whose work is not (or no longer)
        what is asked for. Of the legs before it those that this worker serves too are looked at
        again where weights of its own count."""
        legs, done = recipe.legs, {one.stage for one in held.kept or ()}
        due_at = next((k for k, leg in enumerate(legs) if leg.queue == queue), 0)
        at = next(
            (k for k, leg in enumerate(legs[:due_at]) if not done.issuperset(leg.stages)), due_at
        )
        while (
            at
            and legs[at - 1].queue in self.queues
            and any(stage in declared.WEIGHED for stage in legs[at - 1].stages)
        ):
            at -= 1
        return legs[at]

    def _back(self, held: Held, leg: Leg) -> Place:
        """To an earlier leg, which other workers serve: what it made before is not what is asked
        for now."""
        base = held.job.accepted.n if held.job.accepted else 0
        if (
            sum(start.outcome is Ended.SENT_BACK for start in held.job.starts if start.n > base)
            >= MAX_BACK
        ):
            raise StageFailed(
                f"What the hosts of queue {leg.queue} make is again and again not what this host"
                " asks for.",
                remedy=(
                    "Run the same version of inbox3d on all hosts, then move the folder back to"
                    " inbox/."
                ),
            )
        return self._release(held, f"{BACK} {leg.queue}", Ended.SENT_BACK, leg.queue)

    def _run_leg(self, held: Held, leg: Leg, before: tuple[str, ...]) -> None:
        assist = self.settings.assist.service if ASSIST_STAGE in leg.stages else None
        order = Order(
            leg.stages,
            {"kind": held.job.kind, **held.job.options},
            held.root,
            self._local_drop(held),
            self.models,
            isolated=not queues.QUEUES[leg.queue].hot,
            network=any(stage in NETWORK_STAGES for stage in leg.stages) or assist is not None,
            assist=assist,
            lan=self.settings.worker.image_lan,
            before=before,
        )
        log.info("leg.started job=%s leg=%s worker=%s", held.place.id, leg.queue, self.worker)
        try:
            self.engine.run(order, lambda event: self._heard(held, event), lambda: self._tick(held))
        except PipelineError as error:
            error.leg = leg.queue
            raise

    def _heard(self, held: Held, event: Event) -> None:
        reporter = held.reporter
        if event.what == "stage":
            reporter.at(event.said, 0.0, "")
            _append(held.root, f"{event.said} begins")
        elif event.what == "progress":
            reporter.say(event.said[0], event.said[1])
        elif event.what == "ended":
            stage, seconds, peak = event.said
            held.times[stage], held.peak = seconds, max(held.peak, peak)
            _append(
                held.root,
                f"{stage} ended after {seconds:.1f} s, peak memory {peak / 2**20:.0f} MiB",
            )

    def _phase(self, held: Held, phase: str) -> Callable[[float, str], None]:
        """What a long step of the worker itself calls with its share and a few words; Drained and
        Gone as at every tick."""

        def say(fraction: float, message: str) -> None:
            held.reporter.at(phase, fraction, message)
            self._tick(held)

        return say

    def _promoting(self, held: Held) -> Callable[[float], None]:
        """What a promotion calls; it is not drained, for its result is made."""

        def say(share: float) -> None:
            held.reporter.say(share, "putting the results in place")
            self._show(held)

        return say

    def _tick(self, held: Held) -> None:
        if self.stopping():
            raise Drained
        self._show(held)

    def _show(self, held: Held) -> None:
        try:
            held.reporter.tick()
        except LineFault as fault:
            log.warning("line.fault job=%s what=%s", held.place.id, fault.message)

    # -- edges ---------------------------------------------------------------------------------
    def _finish(self, held: Held) -> Place:
        place, output = held.place, held.root / tree.OUTPUT
        held.reporter.at(PROMOTE, 0.0, "putting the results in place")
        if not output.is_dir() or not any(output.iterdir()):
            raise StageFailed("The recipe ended without a result.")
        self._patiently(place, lambda: input_copy.check(self.atlas.disk, place, held.seen))
        key = keys.of_result(self.atlas.disk, place, due.legs_of(held.job), held.job, held.seen)
        self._patiently(
            place,
            lambda: promote.promote(
                self.atlas, place, output, tree.OUTPUT, key, self._promoting(held)
            ),
        )
        held.job.note_start(place.n, ended=now(), outcome=Ended.FINISHED)
        self._leave(held, "finished")
        done = self._patiently(place, lambda: lifecycle.finish(self.atlas, place))
        self.past.learn(held.job)
        return done

    def _hand_on(self, held: Held, leg: Leg, following: Leg, done: tuple[str, ...]) -> Place:
        place, packed = held.place, held.root / "parcel"
        self._patiently(place, lambda: input_copy.check(self.atlas.disk, place, held.seen))
        handover.pack(held.root, packed, done)
        key = keys.of_legs(due.legs_of(held.job), held.job)[leg.queue]
        self._patiently(
            place,
            lambda: promote.promote(
                self.atlas, place, packed, f"{tree.WORK}/{leg.queue}", key, self._promoting(held)
            ),
        )
        self._leave(held, f"handed on to {following.queue}", following.queue)
        self.past.await_end(held.job)
        return self._patiently(place, lambda: lifecycle.hand_on(self.atlas, place, following.queue))

    def _release(
        self,
        held: Held,
        noted: str | None,
        outcome: Ended = Ended.RELEASED,
        queue: str | None = None,
    ) -> Place:
        """Back to QUEUE, else to the first leg whose artefacts are not in work/, since this host's
        scratch may not be seen again."""
        queue = queue or due.queue_of(self.atlas, held.place, held.job)
        self._leave(held, f"released: {noted or 'crashed'}")
        return self._patiently(
            held.place, lambda: lifecycle.release(self.atlas, held.place, queue, noted, outcome)
        )

    def _changed(self, held: Held, queue: str) -> Place:
        """Late arrivals: back, uncounted, with a doubled quiet time; the third time in a run the
        job fails."""
        base = held.job.accepted.n if held.job.accepted else 0
        times = 1 + sum(
            start.outcome is Ended.CHANGED for start in held.job.starts if start.n > base
        )
        if times >= MAX_CHANGED:
            return self._fail(
                held,
                queue,
                InputRejected(
                    "input/ keeps changing.",
                    remedy="Finish copying, then move the folder back to inbox/.",
                ),
            )
        held.job.quiet = 2 * (held.job.quiet or self.settings.intake.quiet_local)
        return self._release(held, CHANGED, Ended.CHANGED)

    def _accept_anew(self, held: Held) -> Place:
        """Back behind the dot, where the intake reads the options anew."""
        held.job.note_start(held.place.n, ended=now(), noted=ASKED, outcome=Ended.ASKED_ANEW)
        self._leave(held, f"released: {ASKED}")
        return self._patiently(held.place, lambda: lifecycle.accept_anew(self.atlas, held.place))

    def _crashed(self, held: Held, queue: str, error: EngineDied) -> Place:
        held.job.note_start(held.place.n, crash=error.message)
        if held.job.crashes(held.place.n) >= self.settings.worker.max_crashes:
            return self._fail(held, queue, poisoned(held.job, held.place.n, error))
        return self._release(held, None)

    def _fail(self, held: Held, queue: str, error: PipelineError) -> Place:
        log.info(
            "job.failed job=%s error=%s message=%s",
            held.place.id,
            type(error).__name__,
            error.message,
        )
        held.job.note_start(
            held.place.n, ended=now(), noted=f"failed: {type(error).__name__}", outcome=Ended.FAILED
        )
        self._leave(held, f"failed: {error.message}")
        return self._patiently(
            held.place,
            lambda: lifecycle.fail(self.atlas, held.place, error_file(error, held.place.n, queue)),
        )

    def _leave(self, held: Held, words: str, waits: str | None = None) -> None:
        """What stands in the job folder before any edge out of processing/: job.json and log.txt,
        and progress where it WAITS."""
        disk, place = self.atlas.disk, held.place
        _append(held.root, words)
        # what a full scratch cut off is told by nobody
        with contextlib.suppress(OSError, ValueError):
            times = held.reporter.phases() | held.times
            describe(
                held.job,
                self._made(held),
                times,
                held.peak,
                {"worker": self.settings.worker.model_dump(mode="json")},
            )
        self._patiently(place, lambda: write_job(disk, place.path, held.job))
        with contextlib.suppress(PipelineError):
            self._patiently(
                place,
                lambda: disk.replace(place.path / tree.LOG, (held.root / tree.LOG).read_bytes()),
            )
        if waits is not None:
            self._patiently(place, lambda: held.reporter.hand_on(waits))

    # -- small parts ---------------------------------------------------------------------------
    def _local_drop(self, held: Held) -> Path:
        """The copy of what was dropped: manifest paths are relative to it."""
        return accept.drop_root(self.atlas.disk, held.root / tree.INPUT)

    def _made(self, held: Held) -> list[Kept]:
        """What there is now of what is asked for, made by this start or kept from an earlier one;
        nothing until the input is known."""
        if held.kept is None:
            return []
        found = {one.stage: one for one in store.load(held.root)}
        stages, options = recipes.stages(held.job.kind), self._options(held.job)
        return keys.standing(
            stages,
            options,
            held.kept[0],
            lambda stage: filter(None, [found.get(stage)]),
            lambda stage: False,
        )

    def _enter_scratch(self, held: Held) -> None:
        """Take over what an earlier start of this job left on this host: what still fits is not
        done again."""
        held.lock = scratch.enter(
            self.scratch, held.place, held.job.accepted.n if held.job.accepted else 0
        )
        _append(held.root, f"start {held.place.n} on {self.worker}")

    def _patiently(self, place: Place, call: Callable[[], T]) -> T:
        """Try the same call until the line works again; the job keeps its path and its scratch
        meanwhile."""
        told = ""
        while True:
            try:
                with holding(self.atlas, place), self._of_scratch():
                    return call()
            except OSError as error:
                fault = (
                    error
                    if isinstance(error, LineFault | Mangled)
                    else blame.of_tree(error, self.atlas)
                )
                if fault is None:
                    raise
                why = fault.message if isinstance(fault, LineFault) else str(fault)
                if why != told:
                    log.warning("line.fault job=%s what=%s", place.id, why)
                told = why
                if self.pause(why):
                    raise Gone(place.path.name) from None

    @contextlib.contextmanager
    def _of_scratch(self) -> Iterator[None]:
        """Scratch that does not work is no fault of the share, and no sign that the job's folder
        went away."""
        try:
            yield
        except OSError as error:
            if blame.lies_below(error, self.scratch.root):
                raise self._blamed(error) from error
            raise


def _append(root: Path, line: str) -> None:
    """A line into the job's log. A scratch that takes no line takes no stage's files either, and
    that is told there."""
    with contextlib.suppress(OSError), (root / tree.LOG).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")
