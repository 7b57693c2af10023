"""Simulated time and processes: every process is a greenlet of its own, and a seeded scheduler decides who goes on next.

A process gives way at every file call (tests/simulation/disk.py) and wherever it waits. Nothing here sleeps: the clock jumps to the next
thing that is due. A killed process never goes on: where it stood a ``Crash`` is raised, and its disk refuses every later call.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import IO, Any

from greenlet import getcurrent, greenlet

from tests.support.baddisk import Crash


class Host:
    """A compute host: its clock has an offset of its own; a reboot draws a new boot id."""

    def __init__(self, name: str, offset: float = 0.0) -> None:
        self.name, self.offset, self.boots, self.paused = name, offset, 1, 0.0
        self.version = 1  # of inbox3d, for processes that begin now
        self.processes: list[Process] = []
        self.stale: dict[
            str, tuple[float, Any, Any]
        ] = {}  # listings as this host's cache still holds them

    @property
    def boot(self) -> str:
        return f"{self.name}-{self.boots}"


class Process:
    """What dies together: the threads (greenlets) of one process."""

    def __init__(self, hub: Hub, host: Host, name: str) -> None:
        self.hub, self.host, self.name = hub, host, name
        self.dead, self.version = False, host.version
        self.faults: dict[str, float] = {}  # that it met since its last edge, and when
        self.beaten = 0.0  # when its heartbeat last went through
        self.silent = 0.0  # seconds that there was none before that
        self.locks: list[IO[bytes]] = []  # that it holds on its host
        self.when_dead: Callable[[], object] = lambda: None
        host.processes.append(self)

    def die(self) -> None:
        if not self.dead:
            self.dead = True
            self.host.processes.remove(self)
            self.lets_go()
            self.hub.wake(self)
            self.when_dead()

    def lets_go(self) -> None:
        for lock in self.locks:
            lock.close()


class Stopping:
    """A threading.Event whose waits take simulated time."""

    def __init__(self, hub: Hub) -> None:
        self.hub, self._set = hub, False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set

    def wait(self, seconds: float = 1.0) -> bool:
        if not self._set:
            self.hub.sleep(seconds)
        return self._set


class Hub:
    """The clock and the queue of who is due when."""

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.now, self.turns = dice, 0.0, 0
        self._due: list[tuple[float, int, greenlet, Process | None]] = []
        self._home = getcurrent()
        self._over: list[BaseException] = []
        self.process: Process | None = None  # whose turn it is

    def clock(self) -> float:
        """time.monotonic of the host whose turn it is."""
        return self.now + (self.process.host.offset if self.process else 0.0)

    def spawn(
        self, function: Callable[[], object], process: Process | None = None, after: float = 0.0
    ) -> None:
        """Begin FUNCTION as a thread of PROCESS (None: a person, or the world)."""

        def body() -> None:
            try:
                function()
            except Crash:
                if process:
                    process.die()
            except OSError:  # it ends with a message, and is started again
                if process is None:
                    raise
                process.die()

        self._push(self.now + after, greenlet(body, self._home), process)

    def _push(self, at: float, who: greenlet, process: Process | None) -> None:
        self.turns += 1
        heapq.heappush(self._due, (at, self.turns, who, process))

    def sleep(self, seconds: float) -> None:
        """Let others go on for SECONDS."""
        mine = self.process
        if mine and mine.dead:
            raise Crash
        self._push(self.now + seconds, getcurrent(), mine)
        self._home.switch()
        if mine and mine.dead:
            raise Crash

    def wake(self, process: Process) -> None:
        """Threads of a dead PROCESS end now, wherever they wait."""
        self._due = [
            (self.now if owner is process else at, turn, who, owner)
            for at, turn, who, owner in self._due
        ]
        heapq.heapify(self._due)

    def run(self, until: float) -> None:
        """Everything that is due before UNTIL. What a thread raises comes out here."""
        while self._due and self._due[0][0] <= until:
            at, _, who, process = heapq.heappop(self._due)
            self.now = max(self.now, at)
            if process and not process.dead and process.host.paused > self.now:
                self._push(process.host.paused, who, process)
                continue
            self.process = process
            who.switch()
            self.process = None
        self.now = max(self.now, until)

    def end(self) -> None:
        """Let every thread go."""
        for _, _, who, process in self._due:
            self.process = process
            if process:
                process.dead = True
            if who:  # begun
                who.throw(Crash)
        self._due, self.process = [], None
