"""Heartbeats: how processes that move folders show that they live, and how others judge it without
any shared clock.

A heartbeat is a counter in .pipeline/workers/<worker>.json, written in place. An observer calls a
worker dead when it saw the same counter in ``dead_looks`` looks at least one beat apart, while its
own beats went through. On the worker's own host a released lock says so at once, if the heartbeat
names this boot and that very lock file. A process that holds its lock and does not beat stands
still: it may wake, so nobody seizes what it holds; but nobody counts on it either, and a person is
told.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from layout.disk import LineFault
from layout.locks import boot_id, take_lock
from layout.manifest import NewerFormat, Unreadable
from layout.signs import Heartbeat
from layout.tree import Atlas


class Life(StrEnum):
    LIVE = "live"
    UNKNOWN = "unknown"  # neither served by nor seized
    DEAD = "dead"


def heartbeats(
    atlas: Atlas, closed: Callable[[Path, OSError], None] = lambda path, error: None
) -> dict[str, Heartbeat]:
    """Every readable heartbeat by worker. A torn one (it is written in place) is left out for this
    look.

    CLOSED hears of one that stands there and may not be read: it says nothing about its worker.
    """
    found = {}
    for entry in atlas.disk.scandir(atlas.workers):
        if entry.name.endswith(".json") and not entry.is_dir:
            try:
                heartbeat = Heartbeat.load(atlas.disk.read(atlas.workers / entry.name))
                found[heartbeat.worker] = heartbeat
            except (Unreadable, NewerFormat, FileNotFoundError):
                continue
            except LineFault:
                raise
            except OSError as error:
                closed(atlas.workers / entry.name, error)
    return found


def by_lock(heartbeat: Heartbeat, boot: str) -> Life:
    """What the lock file says, for a worker on this host in this boot; UNKNOWN for all others."""
    if heartbeat.lock is None or heartbeat.boot != boot:
        return Life.UNKNOWN
    path, inode = Path(heartbeat.lock[0]), heartbeat.lock[1]
    try:
        if path.stat().st_ino != inode:
            return Life.UNKNOWN
        held = take_lock(path)
    except OSError:
        return Life.UNKNOWN
    if held is None:
        return Life.LIVE
    held.close()
    return Life.DEAD


def stopped(heartbeat: Heartbeat) -> bool:
    """Whether the process of a heartbeat of this host is suspended (SIGSTOP, Ctrl-Z, a debugger),
    where the system tells."""
    try:
        return Path(f"/proc/{heartbeat.pid}/stat").read_text().rpartition(")")[2].split()[0] in (
            "T",
            "t",
        )
    except (OSError, IndexError):
        return False


class Observer:
    """Remembers counters between looks. OWN_BEATS tells how many beats of the observer itself went
    through."""

    def __init__(
        self,
        atlas: Atlas,
        beat: float,
        dead_looks: int,
        own_beats: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.atlas, self.beat, self.dead_looks, self.own_beats, self.clock = (
            atlas,
            beat,
            dead_looks,
            own_beats,
            clock,
        )
        self.boot = boot_id()
        self._seen: dict[str, int | None] = {}
        self._same: dict[str, int] = {}
        self._since: dict[str, float] = {}  # when each counter was first seen as it is
        self._alive: set[str] = set()
        self._looked: float | None = None
        self._read: float | None = None  # when heartbeats were last read at all
        self._own = -1
        self.last: dict[str, Heartbeat] = {}
        # heartbeats that may not be read: nobody knows whether their workers live
        self.closed: dict[Path, OSError] = {}

    def look(self, held: frozenset[str] = frozenset()) -> None:
        """Look at all heartbeats. HELD: workers named in processing/; one of them without a
        heartbeat counts as unchanged.

        A look nearer than one beat to the last, or without an own beat since, refreshes what is
        known but counts for nobody's death.
        """
        closed: dict[Path, OSError] = {}
        try:
            self.last = heartbeats(self.atlas, closed.__setitem__)
        except LineFault:
            return
        self.closed = closed
        self._read = now = self.clock()
        own = self.own_beats()
        counts = (self._looked is None or now - self._looked >= self.beat) and own > self._own
        for worker in {*self.last, *held, *self._seen}:
            counter = self.last[worker].counter if worker in self.last else self._seen.get(worker)
            if worker not in self._seen or counter != self._seen[worker]:
                self._since[worker] = now
            if worker in self._seen and counter != self._seen[worker]:
                self._alive.add(worker)
                self._same[worker] = 0
            elif counts and self.atlas.heartbeat(worker) not in closed:
                self._same[worker] = self._same.get(worker, 0) + 1
            self._seen[worker] = counter
        if counts:
            self._looked, self._own = now, own

    def keep_up(self) -> None:
        """Look, unless less than a beat has passed since the last look: hardly a counter changed
        since, and every look reads one file for each worker."""
        if self._read is None or self.clock() - self._read >= self.beat:
            self.look()

    def life(self, worker: str) -> Life:
        heartbeat = self.last.get(worker)
        if heartbeat is not None and (said := by_lock(heartbeat, self.boot)) is not Life.UNKNOWN:
            return said
        if self._same.get(worker, 0) >= self.dead_looks:
            return Life.DEAD
        return Life.LIVE if worker in self._alive and worker in self.last else Life.UNKNOWN

    def standing(self, worker: str) -> str:
        """In words, that WORKER holds its lock on this host and yet does not go on, and what a
        person can do; "" where it does go on."""
        beat = self.last.get(worker)
        if beat is None or by_lock(beat, self.boot) is not Life.LIVE:
            return ""
        if self._same.get(worker, 0) >= self.dead_looks:
            found = (
                f"has stood still for {self.clock() - self._since[worker]:.0f} s (stopped or hung)"
            )
        elif stopped(beat):
            found = "stands still (it is stopped)"
        else:
            return ""
        what = "its job" if beat.role == "worker" else "its work"
        end = (
            f"let process {beat.pid} go on (kill -CONT), or end it (kill -9), and {what} goes on by"
            " itself"
        )
        return f"{beat.role} {worker} on {platform.node() or 'this host'} {found}: {end}"

    def live(self) -> list[Heartbeat]:
        """Heartbeats of the processes known to live and to go on."""
        return [
            beat
            for worker, beat in sorted(self.last.items())
            if self.life(worker) is Life.LIVE and not self.standing(worker)
        ]

    def needs(self) -> list[str]:
        """What waits for a person, in words: what live processes found, and which of them stand
        still."""
        found = {line for beat in self.live() for line in beat.attention}
        return sorted(found | {words for worker in self.last if (words := self.standing(worker))})
