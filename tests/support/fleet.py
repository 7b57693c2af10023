"""A fleet in one process: the real intake, workers, runner and reaper on a real tree, taken step by step by a test.

Only waiting is left out (the intake's clock is the test's, a death is known at once) and the engine runs its legs here. A worker may be killed,
or a person may act, at any call that it makes to the disk.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from layout import names
from layout.disk import Disk
from layout.manifest import JobFile, read_job
from layout.tree import Atlas, Place, State
from pipeline import config
from pipeline.gpu.engine import Event, Order
from pipeline.watchers.intake import Intake
from pipeline.watchers.worker import Worker
from tests.support.legs import run_here
from tests.support.trees import new_tree


class Killed(BaseException):
    """SIGKILL: nothing more happens in this process."""


class Seam(Disk):
    """A disk at which something happens, once: at the N-th call from now, or at the first that finds WHEN true."""

    def __init__(self, durable: bool = False) -> None:
        super().__init__(durable)
        self.when: Callable[[], bool] | None = None
        self.act: Callable[[], None] = lambda: None

    def arm(self, at: int | Callable[[], bool] | None, act: Callable[[], None]) -> None:
        calls = itertools.count()
        self.when, self.act = (lambda: next(calls) >= at) if isinstance(at, int) else at, act

    def _do(self, call: str, function: Callable[..., Any], *args: Any) -> Any:
        if (
            self.when is not None
            and threading.current_thread() is threading.main_thread()
            and self.when()
        ):
            self.when = None
            self.act()
        return super()._do(call, function, *args)


class Here:
    """An engine without a process of its own."""

    pid = None

    def __init__(self) -> None:
        self.ran: list[str] = []

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        run_here(order, heard, self.ran.append, tick)


class Fleet:
    """One tree; an intake with its reaper; as many workers as are asked for. Each process sees the
    tree through a disk of its own, made by DISK."""

    def __init__(
        self, root: Path, disk: Callable[[], Seam] = Seam, scratch: Path | None = None
    ) -> None:
        self.disk = disk
        self.atlas: Atlas = new_tree(root / "atlas", disk())
        self.settings = config.load(
            environ={
                "INBOX3D_HOST__SCRATCH": str(scratch or root / "scratch"),
                "INBOX3D_REAPER__VERIFY_AFTER": "600",
            }
        )
        self.now = 1000.0
        with patch("pipeline.watchers.intake.Hints"):  # nobody waits here
            self.intake = Intake(
                Atlas(self.atlas.root, disk()),
                self.settings,
                f"host-intake-{names.nonce()}",
                threading.Event(),
            )
        self.intake.inbox.completeness.clock = self.intake.shells._seen.clock = lambda: self.now
        self.intake.beat.beat()
        self.workers: dict[tuple[str, ...], Worker] = {}
        self.ran: list[str] = []

    def close(self) -> None:
        for worker in self.workers.values():
            worker.beat.end()
        self.intake.beat.end()

    # -- the fleet acts ------------------------------------------------------------------------
    def look(self) -> None:
        """The intake takes what has been quiet."""
        for _ in range(2):
            self.intake.step()
            self.now += 100

    def taken(self) -> Place:
        """The drop that stands in inbox/, once it is a job."""
        for _ in range(4):
            self.look()
            if jobs := self.atlas.places(State.CLAIMED):
                return jobs[0]
        raise AssertionError(self.intake.inbox.waiting)

    def reap(self) -> None:
        self.intake.beat.beat()
        self.intake.reaper.round()

    def work(
        self,
        *queues: str,
        at: int | Callable[[], bool] | None = None,
        act: Callable[[], None] | None = None,
    ) -> bool:
        """One step of the worker that serves QUEUES; at its AT-th call to the disk (or when AT is true) a person ACTs, else it is killed."""
        worker = self._worker(queues)
        seam, engine = worker.atlas.disk, worker.engine
        assert isinstance(seam, Seam) and isinstance(engine, Here)
        seam.arm(at, act or _die)
        try:
            return worker.step()
        except Killed:
            self._kill(queues)
            return True
        finally:
            seam.arm(None, _die)
            self.ran, engine.ran = [*self.ran, *engine.ran], []

    def _worker(self, queues: tuple[str, ...]) -> Worker:
        if queues not in self.workers:
            atlas = Atlas(self.atlas.root, self.disk())
            worker = Worker(
                atlas,
                self.settings,
                names.worker_name("host", "cpu"),
                queues,
                "cpu",
                threading.Event(),
            )
            worker.engine = worker.runner.engine = Here()  # type: ignore[assignment]
            worker.choice.is_quiet = lambda place: True  # type: ignore[method-assign]  # that it waits is the worker's own test
            worker.beat.beat()
            self.workers[queues] = worker
        return self.workers[queues]

    def _kill(self, queues: tuple[str, ...]) -> None:
        """What a killed process leaves: its heartbeat, and a lock file that nobody holds."""
        self.workers.pop(queues).beat._lock.close()

    def settle(self, hosts: Sequence[tuple[str, ...]], rounds: int = 12) -> None:
        """Everybody does what there is to do, until all is at rest."""
        for _ in range(rounds):
            self.look()
            self.reap()
            busy = [self.work(*queues) for queues in hosts]
            if not any(busy) and not self.places(State.CLAIMED, State.PROCESSING, State.INBOX):
                return
        raise AssertionError(f"not at rest: {[str(place.path) for place in self.places(*State)]}")

    # -- what there is -------------------------------------------------------------------------
    def places(self, *states: State) -> list[Place]:
        return [place for state in states for place in self.atlas.places(state)]

    def job(self, place: Place) -> JobFile:
        job = read_job(self.atlas.disk, place.path)
        assert job is not None
        return job


def _die() -> None:
    raise Killed
