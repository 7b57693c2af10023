"""A worker: a small parent that starts jobs of its queues, one at a time, and an engine child that
does the work.

The parent claims by rename, keeps the heartbeat, watches time, memory and the fence, and drains on
SIGTERM. It outlives its engine.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import threading
import time
from pathlib import Path

from layout import lifecycle, tree
from layout.attention import Attention, Waits, words
from layout.beat import Beat
from layout.disk import LineFault
from layout.dropped import printable
from layout.lifecycle import Gone, Occupied
from layout.liveness import Life, Observer
from layout.manifest import AtlasFile, JobFile, NewerFormat
from layout.manifest import Outcome as Ended
from layout.promote import verify
from layout.scratch import Scratch
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline import weights
from pipeline.config import Settings
from pipeline.errors import BackendUnavailable, EngineDied, HostFault
from pipeline.gpu.device import engine_environment, memory_limit, writable_formats
from pipeline.gpu.engine import Engine, Order
from pipeline.kept.snapshot import Snapshot, snapshot
from pipeline.kept.versions import versions
from pipeline.runner import due, scratch
from pipeline.runner.runner import Outcome, Runner
from pipeline.submission import job_view
from pipeline.watchers import cleanup
from pipeline.watchers.room import Asks, Room, asks_of, used_by

log = logging.getLogger(__name__)


class Restart(Exception):
    """The tree has a new epoch (it was restored): every process starts again under a new name."""


class Worker:
    """One worker process. ``serve`` runs until SIGTERM, or with UNTIL_IDLE until its queues are
    empty and nothing can arrive."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Settings,
        name: str,
        queues: tuple[str, ...],
        device: str,
        stopping: threading.Event,
    ) -> None:
        self.atlas, self.settings, self.name, self.queues = atlas, settings, name, queues
        self.identity: AtlasFile = atlas.identity()
        self.scratch = Scratch(settings.host.scratch / self.identity.uuid)
        self.stopping = stopping
        backends = weights.backends(settings.host.models) if {"views", "mesh"} & set(queues) else ()
        formats = writable_formats() if "finish" in queues else ()
        beat = Heartbeat(
            worker=name,
            role="worker",
            counter=0,
            boot="",
            pid=os.getpid(),
            queues=queues,
            backends=backends,
            formats=formats,
            version=versions().get("inbox3d", ""),
            message="starting",
        )
        self.beat = Beat(atlas, beat, settings.worker.beat)
        self.observer = Observer(
            atlas, settings.worker.beat, settings.worker.dead_looks, lambda: self.beat.counted
        )
        memory = memory_limit(settings.worker.memory_gb)
        self.engine = Engine(queues, engine_environment(device), settings.worker.deadline, memory)
        models = settings.host.models if settings.host.models.is_dir() else None
        self.runner = Runner(
            atlas,
            self.scratch,
            settings,
            name,
            queues,
            self.engine,
            models,
            stopping.is_set,
            self._pause,
        )
        self.attention = Attention(atlas, name)
        self.room = Room(self.scratch, self._unused)
        # place name → (time of acceptance, what it asks of scratch), read once
        self._accepted: dict[str, tuple[str, Asks]] = {}
        self._lacking: set[str] = set()  # ids of jobs that need what this host has not
        self._avoid: set[str] = set()  # ids whose engine died here, or that lack something here
        self._unchanged: dict[str, tuple[Snapshot, float]] = {}
        # scratch of finished jobs until output/ was verified again
        self._kept: list[tuple[float, Place, Path]] = []
        self._proven = True
        self._left = ""
        self._full = False

    # -- the loop ------------------------------------------------------------------------------
    def serve(self) -> None:
        self.beat.beat()
        self.beat.start()
        self.engine.start()
        self.runner.past.refresh()
        try:
            with self.attention.over(self.scratch.root):
                self._sweep_scratch()
            while not self.stopping.is_set():
                if not self.step():
                    self.stopping.wait(self.settings.worker.poll)
        finally:
            self.engine.stop()
            self._verify_kept(everything=True)
            self.beat.end()

    def step(self) -> bool:
        """One look and at most one job. True when a job was started."""
        try:
            self._guard()
            self._verify_kept()
            if halt := self.atlas.halted():
                self.beat.say(f"halted by {halt}")
                return False
            self._settle_own()
            self._full = False
            started = any(self._tried(place) for place in self._waiting())
            if not started:
                self.beat.say(self._left or "idle")
            if not self._full:
                self.attention.settled(self.scratch.root)
            return started
        except LineFault as fault:
            self.beat.say(f"paused: {fault.message}")
            log.warning("line.fault worker=%s what=%s", self.name, fault.message)
        except Restart:
            raise
        except Exception as error:  # an unreadable folder of the tree, say: it must be told
            why = words(error, self.atlas.root)
            self.beat.say(f"paused: {why}")
            log.warning("step.failed worker=%s what=%s", self.name, why, exc_info=error)
        finally:
            self.beat.attend(self.attention.lines())
        return False

    def _guard(self) -> None:
        found = self.atlas.identity()
        if found.uuid == self.identity.uuid and found.epoch != self.identity.epoch:
            raise Restart
        self.atlas.guard(self.identity)

    def _tried(self, place: Place) -> bool:
        """Start the job at PLACE if this host has room for it. What is wrong with one job keeps no
        other from being started."""
        with self.attention.over(place.path):
            return self._is_quiet(place) and self._fits(place) and self._start(place)
        return False

    def _fits(self, place: Place) -> bool:
        lack = self.room.lack(self._accepted[place.path.name][1])
        if lack is None:
            return True
        if lack.for_ever:
            self._left = self._left or f"idle; leaves {place.id} alone: it {lack.words}"
            raise Waits(lack.words)
        self._full, self._left = True, f"paused: {lack.words}"
        self.attention.say(self.scratch.root, lack.words)
        return False

    def _start(self, place: Place) -> bool:
        if not self._prove_engine():
            return False
        try:
            held = lifecycle.start(self.atlas, place, self.name)
        except (Gone, Occupied):
            return False
        log.info("job.started job=%s worker=%s n=%d", held.id, self.name, held.n)
        self.beat.say("working", held.id)
        outcome = self.runner.run(held, str(place.queue))
        self._after(held, outcome, self._accepted[place.path.name][1])
        self.beat.say("idle")
        return True

    def _after(self, held: Place, outcome: Outcome, asks: Asks) -> None:
        root = self.scratch.of(held)
        if isinstance(outcome.error, HostFault):
            self.room.ran_out(asks, used_by(root), outcome.error)
            shutil.rmtree(root, ignore_errors=True)
        if isinstance(outcome.error, EngineDied):
            self._proven = False
        if isinstance(outcome.error, EngineDied | BackendUnavailable):
            self._avoid.add(held.id)
        if isinstance(outcome.error, BackendUnavailable):
            self._lacking.add(held.id)
        ended = outcome.place
        log.info(
            "job.left job=%s to=%s",
            held.id,
            ended.path.parent.name if ended else "nowhere: it was taken from here",
        )
        if ended and ended.state in (State.DONE, State.FAILED):
            self.room.forget(held.id)
        if ended is None or ended.state is State.FAILED:
            scratch.discard(root)
        elif ended.state is State.DONE:
            self._kept.append((time.monotonic(), ended, root))

    # -- choosing ------------------------------------------------------------------------------
    def _waiting(self) -> list[Place]:
        """Jobs this worker may start now, oldest acceptance first; never by name order."""
        self._left = ""
        places = [
            place
            for place in self.atlas.places(State.CLAIMED)
            if not place.hidden and place.queue in self.queues
        ]
        if places:
            self.observer.look()
        self._accepted = {
            place.path.name: self._accepted[place.path.name]
            for place in places
            if place.path.name in self._accepted
        }
        ready = [
            place for place in places if self._readable(place) and not self._left_to_others(place)
        ]
        return sorted(ready, key=lambda place: (self._accepted[place.path.name][0], place.id))

    def _readable(self, place: Place) -> bool:
        """A job of a newer inbox3d is left to hosts that understand it; one whose job.json is
        damaged is mended by an intake."""
        if place.path.name in self._accepted:
            return True
        with self.attention.over(place.path):
            try:
                job = lifecycle.readable_job(self.atlas, place.path)
            except NewerFormat as newer:
                self._left = f"idle; leaves {place.id} alone: {newer}; update inbox3d on this host"
                raise
            if job is not None:
                self._accepted[place.path.name] = (
                    job.accepted.at if job.accepted else "",
                    asks_of(job),
                )
                return True
        return False

    def _left_to_others(self, place: Place) -> bool:
        """A job whose engine died here is left to another live worker of its queue, so that one
        sick GPU cannot poison it; not to one that it crashed on too, else they would wait for each
        other."""
        if place.id not in self._avoid:
            return False
        job = self._job(place)
        tried = {start.worker for start in (job.starts if job else ()) if not start.noted} | {
            self.name
        }
        others = [
            beat
            for beat in self.observer.live()
            if beat.worker not in tried and place.queue in beat.queues
        ]
        return bool(others) or self._lacks(job)

    def _lacks(self, job: JobFile | None) -> bool:
        """What a host lacks stays so; its full scratch does not (Room tells when it can be used
        again)."""
        last = job.starts[-1] if job and job.starts else None
        return bool(
            last
            and last.worker == self.name
            and last.outcome is Ended.LACKING
            and job
            and job.id in self._lacking
        )

    def _is_quiet(self, place: Place) -> bool:
        """A job that changed under a start before must be seen unchanged for its quiet time, by
        this worker's own clock."""
        if place.n == 0:
            return True
        job = self._job(place)
        if job is None or job.quiet is None:
            return True
        seen, now = snapshot(self.atlas.disk, place.path / tree.INPUT), time.monotonic()
        before = self._unchanged.get(place.id)
        if before is None or before[0] != seen:
            self._unchanged[place.id] = (seen, now)
            return False
        return now - before[1] >= job.quiet

    def _job(self, place: Place) -> JobFile | None:
        return job_view.job_at(self.atlas, place)

    # -- mending -------------------------------------------------------------------------------
    def _settle_own(self) -> None:
        """A folder under this worker's name that it is not running: a lost reply, a restored
        snapshot, a person's drag."""
        for place in self.atlas.places(State.PROCESSING):
            if place.worker == self.name:
                log.warning("job.found job=%s worker=%s", place.id, self.name)
                with self.attention.over(place.path):
                    verdict, job = due.verdict(
                        self.atlas, place, self.settings.worker.max_crashes, ended=True
                    )
                    self.runner.edges.settle(place, verdict, job)

    def _prove_engine(self) -> bool:
        """After an engine death: a new engine must pass the self-test before it gets another
        job."""
        if self._proven:
            return True
        order = Order(
            ("selftest",),
            {"kind": "convert"},
            self.scratch.root / ".selftest",
            self.scratch.root,
            None,
            isolated=True,
        )
        try:
            order.root.mkdir(parents=True, exist_ok=True)
            self.engine.run(order, lambda event: None, lambda: None)
            self._proven = True
        except Exception as error:
            self.beat.say(f"paused: the engine fails its self-test: {error}")
            log.error("engine.sick worker=%s what=%s", self.name, error)
        shutil.rmtree(order.root, ignore_errors=True)
        return self._proven

    def _pause(self, why: str) -> bool:
        """Wait on a line that does not work. True when the worker must stop meanwhile."""
        job = self.beat.heartbeat.job
        self.beat.say(f"paused: {why}", job)
        self.beat.attend(
            (*self.attention.lines(), printable(f"{self.name}: paused until this is mended: {why}"))
        )
        stopped = self.stopping.wait(self.settings.worker.poll)
        self.beat.attend(self.attention.lines())
        self.beat.say("working" if job else "idle", job)
        return stopped

    # -- scratch -------------------------------------------------------------------------------
    def _sweep_scratch(self) -> None:
        """Delete workspaces whose job has ended; the others are resumed by their next start."""
        for item in cleanup.scratch_due(self.atlas, self.settings):
            scratch.discard(item.path)
        for left in self.scratch.root.glob(f"{scratch.GONE}*"):
            shutil.rmtree(left, ignore_errors=True)

    def _unused(self) -> list[Path]:
        """Workspaces that may go when room is needed: of ended jobs, verified once more, and of
        jobs that only wait to be resumed."""
        self._verify_kept(everything=True)
        waiting = {place.id for place in self.atlas.places(State.CLAIMED)}
        return [path for path, parts in self.scratch.all() if parts.id in waiting]

    def _verify_kept(self, everything: bool = False) -> None:
        """Look again at results some minutes old, then let their scratch go: a power cut on Atlas
        may have undone a finish."""
        for kept in list(self._kept):
            since, place, root = kept
            if everything or time.monotonic() - since >= self.settings.reaper.verify_after:
                with contextlib.suppress(OSError):
                    if verify(
                        self.atlas.disk, place.path / tree.OUTPUT
                    ) or not self.atlas.disk.seen(place.path):
                        scratch.discard(root)
                self._kept.remove(kept)


def stop_on_signals(stopping: threading.Event) -> None:
    """SIGTERM and SIGINT drain: the job in hand is released, uncounted."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())


def is_dead(observer: Observer, worker: str) -> bool:
    return observer.life(worker) is Life.DEAD
