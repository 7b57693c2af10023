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

from layout import claims, names
from layout.attention import Attention, Waits, words
from layout.beat import Beat
from layout.disk import LineFault
from layout.lifecycle import Occupied
from layout.liveness import Observer
from layout.manifest import JobFile
from layout.signs import Heartbeat
from layout.tree import Atlas, State
from pipeline.config import Settings
from pipeline.drops.completeness import Completeness, hold
from pipeline.drops.left_alone import left_alone
from pipeline.drops.listing import look
from pipeline.drops.verdict import Ready, Refuse, Wait
from pipeline.errors import InputRejected
from pipeline.watchers import status
from pipeline.watchers.hints import Bell, Hints, is_network
from pipeline.watchers.reaper import Reaper
from pipeline.watchers.said import Said
from pipeline.watchers.shells import Shells
from pipeline.watchers.taking import Taking
from pipeline.watchers.turns import Turns
from pipeline.watchers.worker import Restart

log = logging.getLogger(__name__)

SAME = 30  # ticks after which what did not change by name is taken stock of anew
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
        self.completeness = Completeness(settings.intake, network=is_network(atlas.root))
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
        self.waiting: dict[str, Wait] = {}
        self.taking = Taking(atlas, self.shells, lambda name: self.waiting.pop(name, None))
        self._listed, self._present, self._same = list[str](), list[str](), 0
        limit, window = settings.intake.look_limit, self.completeness.window
        self.turns = Turns(limit, window)
        self._said = Said()
        self._status = status.Writer(atlas, settings.intake.status_interval)
        self._bell = Bell(self.identity.uuid)
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
                self._hints.wait(self._next(), self.stopping)
        finally:
            self._hints.stop()
            self.beat.end()
            with contextlib.suppress(OSError):
                self._status.farewell(self.observer)

    def step(self) -> bool:
        """One tick that survives a line that does not work. True while there is something to do."""
        try:
            busy = self.tick()
            self._said.settled()
            return busy
        except LineFault as fault:
            self.beat.say(f"paused: {fault.message}")
            if self._said.news(fault.message):
                log.warning("line.fault what=%s", fault.message)
            if self._writes_status():
                self._status.fault(fault.message)
            return True
        except Restart:
            raise
        except Exception as error:  # an unreadable folder of the tree, say: it must be told
            why = words(error, self.atlas.root)
            self.beat.say(f"paused: {why}")
            if self._said.news(why):
                log.warning("tick.failed what=%s", why, exc_info=error)
            return True

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
        """Seconds until the next look: the tick, or earlier when a drop's quiet time is over."""
        now, tick = self.completeness.clock(), self.settings.intake.tick
        dues = [
            wait.until - now
            for wait in self.waiting.values()
            if wait.until is not None and wait.until > now
        ]
        return max(0.02, min([tick, *dues]))

    def tick(self) -> bool:
        """Look at inbox/ and at half accepted shells once. True while something is arriving,
        waiting to be served, or running."""
        found = self.atlas.identity()
        if found.uuid == self.identity.uuid and found.epoch != self.identity.epoch:
            raise Restart
        self.atlas.guard(self.identity)
        halt = self.atlas.halted()
        if halt is None:
            self.shells.complete_left()
            self._look_at_inbox()
        self.beat.say(f"halted by {halt}" if halt else "watching")
        if self._writes_status():
            self._tell(halt)
        self.beat.attend(self.attention.lines())
        arriving = any(wait.until is not None for wait in self.waiting.values())
        return (
            arriving
            or any(place.hidden or place.queue for place in self.atlas.places(State.CLAIMED))
            or bool(self.atlas.places(State.PROCESSING))
        )

    def _tell(self, halt: str | None) -> None:
        """STATUS.txt is for comfort: where it cannot be written, that is said elsewhere, and drops
        are taken all the same."""
        if not self._status.due():  # what was said of the last try stays said
            return
        with self.attention.over(self.atlas.status_file):
            waiting = self._unseen() | self.waiting if halt else self.waiting
            self._status.write(waiting, halt, self.observer, self.attention.lines())

    def _unseen(self) -> dict[str, Wait]:
        """What lies in inbox/ while HALT keeps it from being looked at."""
        entries = self.atlas.entries(State.INBOX)
        present = (entry.name for entry in entries if not names.ignored(entry.name, entry.is_dir))
        return left_alone(entries) | {name: Wait("waits until HALT is gone") for name in present}

    def _writes_status(self) -> bool:
        """The lowest-named live intake writes STATUS.txt."""
        return all(
            self.name <= beat.worker for beat in self.observer.live() if beat.role == "intake"
        )

    # -- inbox/ --------------------------------------------------------------------------------
    def _look_at_inbox(self) -> None:
        """At most look_limit entries a tick."""
        self._list_inbox()
        for name in self.turns.next(self._present, self.waiting, self.completeness.clock()):
            with self.attention.over(self.atlas.inbox / name):
                try:
                    self._examine(name)
                except Occupied:
                    continue  # it moved between two looks
                except Exception as error:
                    self.waiting[name] = Wait(words(error, self.atlas.inbox / name))
                    raise

    def _list_inbox(self) -> None:
        """What stands in inbox/, by name. Where that is what stood there before, little is to be
        done: it may be ten thousand; every so often it is looked at all the same."""
        listed = self.atlas.names(State.INBOX)
        self._same = self._same + 1 if listed == self._listed else 0
        self._listed = listed
        if self._same % SAME > 0:
            return
        entries = self.atlas.entries(State.INBOX)
        self._present = sorted(
            entry.name for entry in entries if not names.ignored(entry.name, entry.is_dir)
        )
        self.completeness.forget(self._present)
        there = set(self._present)
        waits = {name: wait for name, wait in self.waiting.items() if name in there}
        self.waiting = waits | left_alone(entries)

    def _examine(self, name: str) -> None:
        seen = look(self.atlas.inbox / name, self.atlas.disk, self.settings.intake.entry_limit)
        job = claims.request(self.atlas, name) if seen.is_job else None
        manifest = {row.path: row.size for row in job.manifest} if job else None
        claim = self._whose(name, job) if seen.is_job else None
        verdict = self.completeness.judge(
            name, seen, manifest, moved=claim is None or claim.copy_of is None
        )
        if isinstance(verdict, Ready):
            verdict = self._held(name, verdict, job) or verdict
        if isinstance(verdict, Wait) and verdict.stuck:
            raise Waits(verdict.reason)
        if isinstance(verdict, Wait):
            self.waiting[name] = verdict
        elif isinstance(verdict, Refuse):
            self.taking.refuse(name, claim, InputRejected(verdict.reason, remedy=verdict.remedy))
        else:
            self.taking.take(name, seen, job, claim, verdict)
            self._bell.ring()

    def _whose(self, name: str, job: JobFile | None) -> claims.Claim:
        if job is None:
            return claims.identify_bare(self.atlas, name)
        return claims.identify_folder(self.atlas, name, job, self.identity.inodes == "changing")

    def _held(self, name: str, verdict: Ready, job: JobFile | None) -> Wait | None:
        if verdict.evidence != "quiet" or job is not None:
            return None
        return hold(self.taking.namesake(name), verdict.quiet, self.settings.intake.hold)
