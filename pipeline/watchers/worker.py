"""A worker: a small parent that starts jobs of its queues, one at a time, and an engine child that
does the work.

The parent claims by rename, keeps the heartbeat, watches time, memory and the fence, and drains on
SIGTERM. It outlives its engine.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading

from layout import lifecycle
from layout.attention import Attention, Waits
from layout.beat import Beat
from layout.disk import LineFault
from layout.dropped import printable
from layout.lifecycle import Gone, Occupied
from layout.liveness import Observer
from layout.manifest import AtlasFile
from layout.scratch import Scratch
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.config import Settings
from pipeline.errors import (
    BackendUnavailable,
    EngineDied,
    HostFault,
    MemoryExceeded,
    OutOfGpuMemory,
)
from pipeline.gpu.device import card, engine_environment, memory_limit, writable_formats
from pipeline.gpu.engine import Engine
from pipeline.kept.versions import versions
from pipeline.runner import due, scratch
from pipeline.runner.disagreement import Disagreement
from pipeline.runner.runner import Ending, Runner
from pipeline.watchers.admission import Admission
from pipeline.watchers.choice import Choice
from pipeline.watchers.hints import Bell, Hints
from pipeline.watchers.leftovers import Leftovers
from pipeline.watchers.meter import Meter
from pipeline.watchers.models import Models
from pipeline.watchers.pausing import Pausing, check_tree
from pipeline.watchers.resting import Resting
from pipeline.watchers.room import Asks, Room, used_by
from pipeline.watchers.self_test import self_test

log = logging.getLogger(__name__)


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
        self.stopping, self.bell = stopping, Bell(self.identity.uuid)
        memory = memory_limit(settings.worker.memory_gb)
        self.beat = Beat(atlas, _heartbeat(name, queues, memory), settings.worker.beat)
        self.observer = Observer(
            atlas, settings.worker.beat, settings.worker.dead_looks, lambda: self.beat.counted
        )
        self.engine = Engine(queues, engine_environment(device), settings.worker.deadline, memory)
        self.runner = Runner(
            atlas,
            self.scratch,
            settings,
            name,
            queues,
            self.engine,
            settings.host.models,
            stopping.is_set,
            self._pause,
        )
        self.models = Models(settings.host.models, queues, card(device))
        self.models.look(self.beat)
        self.meter = Meter(
            self.beat, lambda: self.engine, device, settings.worker.beat, self.models
        )
        self.attention = Attention(atlas, name)
        self.choice = Choice(atlas, name, queues, self.observer, self.attention)
        self.leftovers = Leftovers(atlas, self.scratch, settings)
        self.room = Room(self.scratch, self.leftovers.unused)
        self.admission = Admission(self.beat, self.runner.past, self.observer)
        self.runner.roomier = self.admission.larger_gpu
        self.resting = Resting(settings.worker.beat)
        self._proven = True
        self._full = self._began = False
        self._pausing = Pausing(atlas, self.beat)
        self._halted: str | None = None

    # -- the loop ------------------------------------------------------------------------------
    def serve(self) -> None:
        self.beat.beat()
        self.beat.start()
        self.engine.start()
        self.meter.start()
        self.runner.past.refresh()
        hints = Hints([self.atlas.claimed, self.bell.folder], self.settings.host.redis_url)
        try:
            with self.attention.over(self.scratch.root):
                self.leftovers.sweep()
            while not self.stopping.is_set():
                if not self.step():
                    hints.wait(self.settings.worker.poll, self.stopping)
        finally:
            hints.stop()
            self.meter.end()
            self.engine.stop()
            self.leftovers.verify(everything=True)
            self.beat.end()

    def step(self) -> bool:
        """One look and at most one job. True when a job was started."""
        started = False
        with self._pausing.turn():
            check_tree(self.atlas, self.identity)
            self.leftovers.verify()
            halt = self.atlas.halted()
            self._halt(halt)
            started = not halt and self._start_one()
        self.beat.attend(self.attention.lines())
        return started

    def _start_one(self) -> bool:
        """Start the first job that this worker can. True when one was started."""
        self._settle_own()
        self._full = False
        if self.models.changed():
            self.choice.came_by_models()
        started = any(self._tried(place) for place in self.choice.waiting())
        if not started:
            self.beat.say(self.choice.left or "idle")
        if not self._full:
            self.attention.settled(self.scratch.root)
        return started

    def _halt(self, by: str | None) -> None:
        """Tell when the line is halted, and when it goes on."""
        if by:
            self.beat.say(f"halted by {by}")
        if by != self._halted:
            log.info("line.halted by=%s" if by else "line.resumed after=%s", by or self._halted)
        self._halted = by

    def _tried(self, place: Place) -> bool:
        """Start the job at PLACE if this host has room for it. What is wrong with one job keeps no
        other from being started: at the next look, for after a start others come first."""
        self._began = False
        with self.attention.over(place.path):
            self.resting.demand(place.id)
            return self.choice.is_quiet(place) and self._fits(place) and self._start(place)
        return self._began

    def _fits(self, place: Place) -> bool:
        if left := self.admission.left(place, self.choice.asked(place)):
            self.choice.left = self.choice.left or left
            return False
        lack = self.room.lack(self.choice.asks(place))
        if lack is None:
            return True
        if lack.for_ever:
            self.choice.left = self.choice.left or f"idle; leaves {place.id} alone: it {lack.words}"
            raise Waits(lack.words)
        self._full, self.choice.left = True, f"paused: {lack.words}"
        self.attention.say(self.scratch.root, lack.words)
        return False

    def _start(self, place: Place) -> bool:
        if not self._prove_engine():
            return False
        try:
            held = lifecycle.start(self.atlas, place, self.name)
        except (Gone, Occupied):
            return False
        self._began = True
        self.choice.began(place)
        log.info("job.started job=%s worker=%s n=%d", held.id, self.name, held.n)
        self.beat.say("working", held.id)
        ending = self.runner.run(held, str(place.queue))
        self._after(held, ending, self.choice.asks(place))
        self.beat.say("idle")
        return True

    def _after(self, held: Place, ending: Ending, asks: Asks) -> None:
        root = self.scratch.of(held)
        if isinstance(ending.error, HostFault):
            self.room.ran_out(asks, used_by(root), ending.error)
            shutil.rmtree(root, ignore_errors=True)
        if isinstance(ending.error, EngineDied):
            self._proven = False
        if isinstance(ending.error, MemoryExceeded):
            self.admission.ran_out(held.id)
        if isinstance(ending.error, OutOfGpuMemory):
            self.admission.beyond_gpu(held.id)
        if isinstance(ending.error, EngineDied | BackendUnavailable):
            self.choice.avoid.add(held.id)
        if isinstance(ending.error, BackendUnavailable):
            self.choice.lacking.add(held.id)
        if isinstance(ending.error, Disagreement):
            self.choice.disagrees[held.id] = self.choice.fleet()
        if isinstance(ending.error, LineFault):
            self.resting.sent_back(held.id, ending.error.message)
        else:
            self.resting.forget(held.id)
        ended = ending.place
        log.info(
            "job.left job=%s to=%s",
            held.id,
            ended.path.parent.name if ended else "nowhere: it was taken from here",
        )
        if ended and ended.state is State.CLAIMED:
            self.bell.ring()
        if ended and ended.state in (State.DONE, State.FAILED):
            self.room.forget(held.id)
            self.admission.forget(held.id)
        if ended is None or ended.state is State.FAILED:
            scratch.discard(root)
        elif ended.state is State.DONE:
            self.leftovers.keep(ended, root)

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
                    self.runner.edges.settle(place, verdict, job, ended=True)

    def _prove_engine(self) -> bool:
        """After an engine death: a new engine must pass the self-test before it gets another
        job."""
        if self._proven:
            return True
        error = self_test(self.engine, self.scratch)
        if error is not None:
            self.beat.say(f"paused: the engine fails its self-test: {error}")
            log.error("engine.sick worker=%s what=%s", self.name, error)
        self._proven = error is None
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


def _heartbeat(name: str, queues: tuple[str, ...], memory: int) -> Heartbeat:
    return Heartbeat(
        worker=name,
        role="worker",
        counter=0,
        boot="",
        pid=os.getpid(),
        queues=queues,
        formats=writable_formats() if "finish" in queues else (),
        version=versions().get("inbox3d", ""),
        memory=memory,
        message="starting",
    )
