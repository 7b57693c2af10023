"""One job, one leg at a time: input → scratch → stages → promoted → the next edge. The only place that turns an error into an edge."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from layout import accept, lifecycle, promote, tree
from layout.disk import LineFault
from layout.lifecycle import Due, Gone
from layout.manifest import ErrorFile, JobFile, now, write_job
from layout.move import holding
from layout.promote import Mangled, PathGone
from layout.tree import Atlas, Place, Scratch
from pipeline import bag, inputs, jobs, recipes
from pipeline.artefacts import Artefact, Dropped, Mesh, Views
from pipeline.config import Settings
from pipeline.errors import BackendUnavailable, EngineDied, InputRejected, PipelineError, StageFailed, SubmitRefused
from pipeline.gpu.engine import Engine, Event, Order
from pipeline.inputs import InputChanged
from pipeline.progress import Reporter
from pipeline.recipes import Leg

log = logging.getLogger(__name__)
T = TypeVar("T")

HOT_QUEUES = ("views", "mesh")  # their engines keep models on the GPU; they see only re-encoded images and safetensors
NETWORK_STAGES = ("views.fetch_images",)
ASSIST_STAGE = "finish.assist"  # it needs the network only where an assist service is set
CHANGED = "input/ was still changing"
MAX_CHANGED = 3
PACKAGES = ("inbox3d", "numpy", "scipy", "open3d", "trimesh", "pymeshlab", "xatlas", "torch", "diffusers")


class Drained(Exception):
    """The worker was asked to stop; the job goes back uncounted."""


class Outcome(NamedTuple):
    """What became of a start: the place the job stands in now (None: it was taken from us) and, where it matters, the error."""

    place: Place | None
    error: PipelineError | None = None


class Held:
    """A job this worker holds: its place, its job.json, its local root."""

    def __init__(self, place: Place, job: JobFile, root: Path) -> None:
        self.place, self.job, self.root = place, job, root
        self.seen: inputs.Snapshot = ()
        self.times: dict[str, float] = {}
        self.peak = 0


class Runner:
    """Runs the jobs of one worker. PAUSE waits between two tries of an edge on a line that does not work; True means: stop."""

    def __init__(
        self, atlas: Atlas, scratch: Scratch, settings: Settings, worker: str, queues: tuple[str, ...], engine: Engine,
        models: Path | None, stopping: Callable[[], bool], pause: Callable[[str], bool],
    ) -> None:  # fmt: skip
        self.atlas, self.scratch, self.settings, self.worker, self.queues = atlas, scratch, settings, worker, queues
        self.engine, self.models, self.stopping, self.pause = engine, models, stopping, pause

    # -- the whole of a start ---------------------------------------------------------------------------------------------
    def run(self, place: Place, queue: str) -> Outcome:
        """Take the job that stands at PLACE (just started by this worker, due for QUEUE) to its next edge."""
        try:
            verdict, job = self._patiently(place, lambda: lifecycle.due(self.atlas, place, self.settings.worker.max_crashes, ended=False))
            if verdict is not Due.RELEASE or job is None:
                return Outcome(self.settle(place, verdict, job))
            held = Held(place, self._patiently(place, lambda: lifecycle.record_start(self.atlas, place)), self.scratch.of(place))
            self._adopt_scratch(held)
            return self._edge_of(held, queue)
        except (Gone, PathGone):
            log.warning("job.lost job=%s worker=%s", place.id, self.worker)
            return Outcome(None)

    def settle(self, place: Place, verdict: Due, job: JobFile | None) -> Place:
        """Act on a verdict of ``due``: what a worker does with a folder of its own that it is not running."""
        if verdict is Due.FINISH:
            return self._patiently(place, lambda: lifecycle.finish(self.atlas, place))
        if verdict is Due.RELEASE and job is not None:
            return self._patiently(place, lambda: lifecycle.release(self.atlas, place, self._queue_due(place, job), None))
        error = DELETED if verdict is Due.DELETED else poisoned(job, place.n)
        return self._patiently(place, lambda: lifecycle.fail(self.atlas, place, error_file(error, place.n)))

    def _edge_of(self, held: Held, queue: str) -> Outcome:
        try:
            return Outcome(self._legs(held, queue))
        except InputChanged:
            return Outcome(self._changed(held, queue))
        except Drained:
            return Outcome(self._release(held, "drained"))
        except BackendUnavailable as error:
            return Outcome(self._release(held, f"{type(error).__name__}: {error.message}"), error)
        except EngineDied as error:
            return Outcome(self._crashed(held, queue, error), error)
        except PipelineError as error:
            return Outcome(self._fail(held, queue, error), error)

    def _legs(self, held: Held, queue: str) -> Place:
        """Run legs from QUEUE on, straight through as long as this worker serves the next one."""
        options = self._options(held.job)
        recipe = recipes.RECIPES[options.kind]
        leg: Leg | None = recipe.leg(queue) or recipe.legs[0]
        self._fetch(held)
        while leg is not None:
            self._run_leg(held, leg, recipe.after(leg.queue))
            following = recipe.after(leg.queue)
            if following is not None and following.queue not in self.queues:
                return self._hand_on(held, leg, following)
            leg = following
        return self._finish(held)

    # -- parts --------------------------------------------------------------------------------------------------------------
    def _options(self, job: JobFile) -> jobs.Common:
        try:
            options: jobs.Common = jobs.parse({"kind": job.kind, **job.options})
        except SubmitRefused as error:
            raise InputRejected(error.message) from None
        if options.kind not in recipes.RECIPES:
            raise BackendUnavailable(f"This worker knows no recipe for {job.kind} jobs.", remedy="Update inbox3d on this host.")
        return options

    def _fetch(self, held: Held) -> None:
        """Bring input/ to scratch, with sums into job.json, and put the first artefact into the bag."""
        disk, place = self.atlas.disk, held.place
        held.root.mkdir(parents=True, exist_ok=True)
        held.seen, sums = self._patiently(place, lambda: inputs.copy(disk, place, held.root))
        self._patiently(place, lambda: inputs.enlist(disk, place, held.job, sums))
        named = held.job.options.get("image_paths") or ()
        notes = self._patiently(place, lambda: inputs.fetch_named(self.atlas, named, self._local_drop(held)))
        held.job.notes += [note for note in notes if note not in held.job.notes]
        self._patiently(place, lambda: write_job(disk, place.path, held.job))
        self._patiently(place, lambda: self._fetch_work(held))
        if not bag.load(held.root):
            shutil.rmtree(held.root / bag.FOLDER, ignore_errors=True)
            bag.save(held.root, "", Dropped(names=tuple(row.path for row in held.job.manifest if row.used)))

    def _fetch_work(self, held: Held) -> None:
        """Artefacts that another worker promoted come to scratch, unless they are there."""
        disk, work = self.atlas.disk, held.place.path / tree.WORK
        if bag.load(held.root)[1:] or disk.lstat(work) is None:
            return
        for entry in sorted(disk.scandir(work)):
            for path, _ in accept.files_below(disk, work / entry.name) if promote.verify(disk, work / entry.name) else ():
                (held.root / path).parent.mkdir(parents=True, exist_ok=True)
                (held.root / path).unlink(missing_ok=True)
                disk.copy(work / entry.name / path, held.root / path)
        (held.root / tree.CHECKSUMS).unlink(missing_ok=True)

    def _run_leg(self, held: Held, leg: Leg, following: Leg | None) -> None:
        assist = self.settings.assist.service if ASSIST_STAGE in leg.stages else None
        order = Order(
            leg.stages, {"kind": held.job.kind, **held.job.options}, held.root, self._local_drop(held), self.models,
            isolated=leg.queue not in HOT_QUEUES, network=any(stage in NETWORK_STAGES for stage in leg.stages) or assist is not None,
            assist=assist, lan=self.settings.worker.image_lan,
        )  # fmt: skip
        reporter = Reporter(self.atlas, held.place, leg.stages)
        log.info("leg.started job=%s leg=%s worker=%s", held.place.id, leg.queue, self.worker)
        try:
            self.engine.run(order, lambda event: self._heard(held, reporter, event), lambda: self._tick(held, reporter))
        except PipelineError as error:
            error.leg = leg.queue  # type: ignore[attr-defined]
            raise

    def _heard(self, held: Held, reporter: Reporter, event: Event) -> None:
        if event.what == "stage":
            reporter.at(event.said, 0.0, "")
            _append(held.root, f"{event.said} begins")
        elif event.what == "progress":
            reporter.at(reporter.stage, event.said[0], event.said[1])
        elif event.what == "ended":
            stage, seconds, peak = event.said
            held.times[stage], held.peak = seconds, max(held.peak, peak)
            _append(held.root, f"{stage} ended after {seconds:.1f} s, peak memory {peak / 2**20:.0f} MiB")

    def _tick(self, held: Held, reporter: Reporter) -> None:
        if self.stopping():
            raise Drained
        try:
            reporter.tick()
        except LineFault as fault:
            log.warning("line.fault job=%s what=%s", held.place.id, fault.message)

    # -- edges --------------------------------------------------------------------------------------------------------------
    def _finish(self, held: Held) -> Place:
        place, output = held.place, held.root / tree.OUTPUT
        if not output.is_dir() or not any(output.iterdir()):
            raise StageFailed("The recipe ended without a result.")
        self._patiently(place, lambda: inputs.check(self.atlas.disk, place, held.seen))
        self._patiently(place, lambda: promote.promote(self.atlas, place, output, tree.OUTPUT))
        held.job.note_start(place.n, ended=now())
        self._leave(held, "finished")
        return self._patiently(place, lambda: lifecycle.finish(self.atlas, place))

    def _hand_on(self, held: Held, leg: Leg, following: Leg) -> Place:
        place, parcel = held.place, held.root / "parcel"
        self._patiently(place, lambda: inputs.check(self.atlas.disk, place, held.seen))
        pack(held.root, parcel)
        self._patiently(place, lambda: promote.promote(self.atlas, place, parcel, f"{tree.WORK}/{leg.queue}"))
        self._leave(held, f"handed on to {following.queue}")
        return self._patiently(place, lambda: lifecycle.hand_on(self.atlas, place, following.queue))

    def _release(self, held: Held, noted: str | None) -> Place:
        """Back to the first leg whose artefacts are not in work/, since this host's scratch may not be seen again."""
        queue = self._queue_due(held.place, held.job)
        self._leave(held, f"released: {noted or 'crashed'}")
        return self._patiently(held.place, lambda: lifecycle.release(self.atlas, held.place, queue, noted))

    def _changed(self, held: Held, queue: str) -> Place:
        """Late arrivals: back, uncounted, with a doubled quiet time; the third time in a run the job fails."""
        base = held.job.accepted.n if held.job.accepted else 0
        times = 1 + sum(start.noted == CHANGED for start in held.job.starts if start.n > base)
        if times >= MAX_CHANGED:
            return self._fail(
                held, queue, InputRejected("input/ keeps changing.", remedy="Finish copying, then move the folder back to inbox/.")
            )
        held.job.quiet = 2 * (held.job.quiet or self.settings.intake.quiet_local)
        return self._release(held, CHANGED)

    def _crashed(self, held: Held, queue: str, error: EngineDied) -> Place:
        held.job.note_start(held.place.n, crash=error.message)
        if held.job.crashes(held.place.n) >= self.settings.worker.max_crashes:
            return self._fail(held, queue, poisoned(held.job, held.place.n, error))
        return self._release(held, None)

    def _fail(self, held: Held, queue: str, error: PipelineError) -> Place:
        log.info("job.failed job=%s error=%s message=%s", held.place.id, type(error).__name__, error.message)
        held.job.note_start(held.place.n, ended=now(), noted=f"failed: {type(error).__name__}")
        self._leave(held, f"failed: {error.message}")
        return self._patiently(held.place, lambda: lifecycle.fail(self.atlas, held.place, error_file(error, held.place.n, queue)))

    def _leave(self, held: Held, words: str) -> None:
        """What stands in the job folder before any edge out of processing/: job.json and log.txt; no progress files."""
        disk, place = self.atlas.disk, held.place
        _append(held.root, words)
        self._describe(held)
        self._patiently(place, lambda: write_job(disk, place.path, held.job))
        self._patiently(place, lambda: disk.replace(place.path / tree.LOG, (held.root / tree.LOG).read_bytes()))
        for name in (tree.PROGRESS, tree.PROGRESS_LINE):
            with contextlib.suppress(OSError):
                disk.unlink(place.path / name)

    def _describe(self, held: Held) -> None:
        provenance = held.job.provenance
        provenance.times.update(held.times)
        provenance.peak_rss = max(held.peak, provenance.peak_rss or 0) or None
        provenance.versions = versions()
        provenance.seed = held.job.options.get("seed")
        provenance.settings = {"worker": self.settings.worker.model_dump(mode="json")}
        provenance.warnings = bag.load_warnings(held.root)
        provenance.models, provenance.backend = _makers(kept.artefact for kept in bag.load(held.root))
        labels = [label for kept in bag.load(held.root) if (label := getattr(kept.artefact, "label", None))]
        provenance.label = "placeholder" if "placeholder" in labels else labels[-1] if labels else None

    # -- small parts ----------------------------------------------------------------------------------------------------------
    def _local_drop(self, held: Held) -> Path:
        """The copy of what was dropped: manifest paths are relative to it."""
        return accept.drop_root(self.atlas.disk, held.root / tree.INPUT)

    def _queue_due(self, place: Place, job: JobFile) -> str:
        recipe = recipes.RECIPES.get(job.kind or "")
        return lifecycle.first_leg(self.atlas, place, [leg.queue for leg in recipe.legs]) if recipe else recipes.QUEUES[0]

    def _adopt_scratch(self, held: Held) -> None:
        """Take over what an earlier start of this job left on this host, so that finished stages are not done again."""
        for path, parts in self.scratch.all():
            if parts.id == held.place.id and path != held.root and not held.root.exists():
                path.rename(held.root)
        held.root.mkdir(parents=True, exist_ok=True)
        _append(held.root, f"start {held.place.n} on {self.worker}")

    def _patiently(self, place: Place, call: Callable[[], T]) -> T:
        """Try the same call until the line works again; the job keeps its path and its scratch meanwhile."""
        while True:
            try:
                with holding(self.atlas, place):
                    return call()
            except (LineFault, Mangled) as fault:
                log.warning("line.fault job=%s what=%s", place.id, fault)
                if self.pause(getattr(fault, "message", str(fault))):
                    raise Gone(place.path.name) from None


DELETED = InputRejected("The job's files were deleted while it ran.", remedy="Drop the files again.")


def poisoned(job: JobFile | None, n: int, error: PipelineError | None = None) -> PipelineError:
    """The error of a job that crashed too often, with what was seen of the crashes."""
    base = job.accepted.n if job and job.accepted else 0
    seen = [start.crash for start in (job.starts if job else []) if start.n > base and start.crash]
    last = error.message if error else seen[-1] if seen else "Its worker or host went down each time."
    poison = type(error)(last) if error else EngineDied(last)
    poison.message = f"Given up after {job.crashes(n) if job else n} crashed starts. {last}"
    poison.stage = getattr(error, "stage", None)  # type: ignore[attr-defined]
    return poison


def error_file(error: PipelineError, n: int, leg: str | None = None) -> ErrorFile:
    return ErrorFile(
        error=type(error).__name__, who=error.who, message=error.message, remedy=error.remedy,  # type: ignore[arg-type]
        stage=getattr(error, "stage", None), leg=getattr(error, "leg", leg), n=n,
    )  # fmt: skip


def _makers(artefacts: Iterable[Artefact]) -> tuple[dict[str, str], str | None]:
    """The models whose weights went into ARTEFACTS, with their SHA-256, and the backend that made the mesh."""
    models: dict[str, str] = {}
    backend = None
    for artefact in artefacts:
        if isinstance(artefact, Views):
            models |= artefact.models
        elif isinstance(artefact, Mesh) and artefact.reconstruction:
            models |= artefact.reconstruction["models"]
            backend = artefact.reconstruction["backend"]
    return models, backend


def pack(root: Path, parcel: Path) -> None:
    """Gather the bag and the newest artefacts' files in PARCEL, to be promoted as work/<leg>."""
    shutil.rmtree(parcel, ignore_errors=True)
    parcel.mkdir()
    shutil.copytree(root / bag.FOLDER, parcel / bag.FOLDER)
    if (root / bag.WARNINGS).is_file():
        shutil.copy2(root / bag.WARNINGS, parcel)
    for kept in bag.load(root):
        for name in kept.artefact.files():
            (parcel / name).parent.mkdir(parents=True, exist_ok=True)
            if not (parcel / name).exists():
                os.link(root / name, parcel / name)
    if (root / tree.OUTPUT).is_dir():
        shutil.copytree(root / tree.OUTPUT, parcel / tree.OUTPUT)


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on, as far as they are installed."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def _append(root: Path, line: str) -> None:
    with (root / tree.LOG).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")
