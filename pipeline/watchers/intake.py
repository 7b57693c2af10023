"""The intake: looks at inbox/, decides when a drop is complete and what it is, and claims it or
refuses it with a reason.

Any number of intakes may watch one tree: every edge is one rename, and a shell that one of them
left half accepted is completed by another. The reaper runs beside it, in a thread of its own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time

from layout.attention import Attention, words
from layout.beat import Beat
from layout.disk import LineFault
from layout.liveness import Observer
from layout.signs import Heartbeat
from layout.tree import Atlas, State
from pipeline.config import Settings
from pipeline.watchers import status
from pipeline.watchers.hints import Bell, Hints
from pipeline.watchers.inbox import Inbox
from pipeline.watchers.pausing import Pausing, check_tree
from pipeline.watchers.reaper import Reaper
from pipeline.watchers.said import Said
from pipeline.watchers.shells import Shells

log = logging.getLogger(__name__)

IDLE_TICKS = 3  # looks without anything to do before an intake that was asked to ends


class Intake:
    """One intake process. ``tick`` is one look; ``serve`` repeats it until STOPPING, or with
    UNTIL_IDLE until nothing is left to do."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Settings,
        name: str,
        stopping: threading.Event,
        until_idle: bool = False,
    ) -> None:
        self.atlas, self.settings, self.name, self.stopping, self.until_idle = (
            atlas,
            settings,
            name,
            stopping,
            until_idle,
        )
        self.identity = atlas.identity()
        self.beat = Beat(
            atlas,
            Heartbeat(worker=name, role="intake", counter=0, boot="", pid=os.getpid()),
            settings.worker.beat,
        )
        self.observer = Observer(
            atlas, settings.worker.beat, settings.worker.dead_looks, lambda: self.beat.counted
        )
        self.attention = Attention(atlas, name)
        self.reaper = Reaper(atlas, settings, name, self.observer, attention=self.attention)
        self.shells = Shells(atlas, settings, self.attention)
        self._cost = 0.0  # processor seconds of the last look
        self._pausing = Pausing(atlas, self.beat, self._tell_fault)
        self._status = status.Writer(atlas, settings.intake.status_interval)
        bell = Bell(self.identity.uuid)
        self.inbox = Inbox(
            atlas, settings.intake, self.identity, self.attention, self.shells, bell.ring
        )
        self._hints = Hints([atlas.inbox, atlas.claimed], settings.host.redis_url)

    # -- the loop ------------------------------------------------------------------------------
    def serve(self) -> None:
        self.beat.beat()
        self.beat.start()
        threading.Thread(target=self._reap, name="reaper", daemon=True).start()
        idle = 0
        try:
            while not self.stopping.is_set():
                busy = self.step()
                idle = 0 if busy else idle + 1
                if self.until_idle and idle >= IDLE_TICKS:
                    return
                if self._pausing.paused:  # what tells of it rings the bell again
                    self.stopping.wait(self.settings.intake.tick)
                self._hints.wait(self._next(), self.stopping)
        finally:
            self._hints.stop()
            self.beat.end()
            with contextlib.suppress(OSError):
                self._status.farewell(self.observer)

    def step(self) -> bool:
        """One tick that survives a line that does not work. True while there is something to do."""
        began = time.thread_time()
        with self._pausing.turn():
            busy = self.tick()
            self._cost = time.thread_time() - began
            return busy
        return True

    def _tell_fault(self, why: str) -> None:
        if self._writes_status():
            self._status.fault(why)

    def _reap(self) -> None:
        said = Said()
        while not self.stopping.wait(self.settings.reaper.interval if self.observer.last else 0.1):
            try:
                self.atlas.guard(self.identity)
                self.reaper.round()
                self.attention.settled(self.atlas.root)
                said.settled()
            except LineFault as fault:
                if said.news(fault.message):
                    log.warning("line.fault what=%s", fault.message)
            except Exception as error:
                why = words(error, self.atlas.root)
                self.attention.say(self.atlas.root, why)
                if said.news(why):
                    log.exception("reaper.failed")

    def _next(self) -> float:
        """Seconds until the next look: the tick, more where thousands wait for a person, or earlier
        when a drop's quiet time is over."""
        tick = self.inbox.turns.rest(self.settings.intake.tick, self._cost)
        return min(tick, self.inbox.next_due())

    def tick(self) -> bool:
        """Look at inbox/ and at half accepted shells once. True while something is arriving,
        waiting to be served, or running."""
        check_tree(self.atlas, self.identity)
        listed = self.atlas.names(State.INBOX)
        halt = self.atlas.halted(listed)
        if halt is None:
            self.shells.complete_left()
            self.inbox.look(listed)
        self.beat.say(f"halted by {halt}" if halt else "watching")
        if self._status.due() and self._writes_status():
            self._tell(halt)
        self.beat.attend(self.attention.lines())
        return (
            self.inbox.arriving()
            or any(place.hidden or place.queue for place in self.atlas.places(State.CLAIMED))
            or bool(self.atlas.places(State.PROCESSING))
        )

    def _tell(self, halt: str | None) -> None:
        """STATUS.txt is for comfort: where it cannot be written, that is said elsewhere, and drops
        are taken all the same."""
        with self.attention.over(self.atlas.status_file):
            waiting = self.inbox.unseen() | self.inbox.waiting if halt else self.inbox.told()
            self._status.write(waiting, halt, self.observer, self.attention.lines())

    def _writes_status(self) -> bool:
        """The lowest-named live intake writes STATUS.txt."""
        return all(
            self.name <= beat.worker for beat in self.observer.live() if beat.role == "intake"
        )
