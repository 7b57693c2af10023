"""The engine as its worker sees it: a child process that runs legs, with a deadline per stage and a
memory cap.

A segfault, an out-of-memory kill or a hang ends the child, never the worker: the worker learns of
it by name (EngineDied and its leaves) and starts another.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pipeline import errors
from pipeline.errors import EngineDied, MemoryExceeded, TimeExceeded

POLL = 0.25  # seconds between two looks at time and memory
START_LIMIT = 300.0  # seconds an engine may take to import its libraries


class Event(NamedTuple):
    """Something the engine said: ``what`` is one of stage, progress, ended, done; ``said`` its JSON
    value."""

    what: str
    said: Any


class Order(NamedTuple):
    """One leg to run. Paths are local; ``request`` is the flat request (kind and options);
    ``before`` are the stages of earlier legs."""

    leg: tuple[str, ...]
    request: dict[str, Any]
    root: Path
    input: Path
    models: Path | None
    isolated: bool
    network: bool = False
    assist: tuple[str, float] | None = None
    lan: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


class Engine:
    """One child process. Use ``run`` from one thread only, the thread that made the engine."""

    def __init__(
        self, queues: tuple[str, ...], environment: dict[str, str], deadline: float, memory: int
    ) -> None:
        self.queues, self.environment, self.deadline, self.memory = (
            queues,
            environment,
            deadline,
            memory,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._handles: tuple[int, int] | None = None
        self._buffer = b""
        self._ready = False

    def start(self) -> None:
        """Start the child if there is none; it imports its libraries while the worker looks for a
        job."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        order_read, order_write = os.pipe()
        reply_read, reply_write = os.pipe()
        command = [
            sys.executable,
            "-m",
            "pipeline.gpu.child",
            str(order_read),
            str(reply_write),
            ",".join(self.queues),
        ]
        self._process = subprocess.Popen(
            command,
            pass_fds=(order_read, reply_write),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | self.environment,
        )
        os.close(order_read)
        os.close(reply_write)
        self._handles, self._buffer, self._ready = (order_write, reply_read), b"", False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def stop(self) -> None:
        """Kill the child and what it started."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for handle in self._handles or ():
            with suppress(OSError):
                os.close(handle)
        self._process, self._handles = None, None

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        """Run ORDER to its end. HEARD gets what the engine says; TICK runs every POLL seconds and
        may raise to abandon the leg.

        Raises the stage's own PipelineError, or EngineDied, TimeExceeded, MemoryExceeded. The
        engine is stopped unless it said how the leg ended. One that died before it began a stage,
        while nobody looked, is replaced: no leg is to blame for that.
        """
        began = False

        def hear(event: Event) -> None:
            nonlocal began
            began = True
            heard(event)

        try:
            self._once(order, hear, tick)
        except EngineDied as death:
            if began or type(death) is not EngineDied:
                raise
            self._once(order, hear, tick)

    def _once(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        try:
            self.start()
            assert self._handles is not None
            message = order._asdict() | {
                "root": str(order.root),
                "input": str(order.input),
                "memory": self.memory,
                "deadline": self.deadline,
            }
            message["models"] = str(order.models) if order.models else None
            os.write(self._handles[0], (json.dumps(message) + "\n").encode())
            self._follow(heard, tick)
        except (
            errors.StageFailed,
            errors.InputRejected,
            errors.BackendUnavailable,
            errors.HostFault,
        ) as error:
            if isinstance(error, EngineDied):
                self.stop()
            raise
        except BrokenPipeError:
            self.stop()
            raise EngineDied(
                "The engine could not be started.",
                remedy="Run `inbox3d doctor` on that worker's host, and read the log of"
                " `inbox3d up` there: it says what the engine lacks.",
            ) from None
        except BaseException:
            self.stop()
            raise

    def _follow(self, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        stage, since = "start", time.monotonic()
        while True:
            for said in self._lines():
                (what, value), *_ = said.items()
                if what == "failed":
                    raise rebuilt(value)
                if what == "died":
                    raise EngineDied(f"The engine died in stage {stage}: {value}.")
                if what == "stage":
                    stage, since = value, time.monotonic()
                if what == "ready":
                    self._ready, since = True, time.monotonic()
                if what not in ("ready", "pid"):
                    heard(Event(what, value))
                if what == "done":
                    return
            tick()
            self._check(stage, since)

    def _lines(self) -> list[dict[str, Any]]:
        """What was said within POLL seconds."""
        assert self._handles is not None and self._process is not None
        readable, _, _ = select.select([self._handles[1]], [], [], POLL)
        if not readable:
            return []
        data = os.read(self._handles[1], 65536)
        if not data:
            code = self._process.wait()
            raise EngineDied(f"The engine died: {_ending(code)}.")
        *whole, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in whole if line]

    def _check(self, stage: str, since: float) -> None:
        allowed = self.deadline if self._ready else START_LIMIT
        if time.monotonic() - since > allowed:
            raise TimeExceeded(f"Stage {stage} took longer than its deadline of {allowed:.0f} s.")
        used = sum(resident(pid) for pid in [self.pid or 0, *children(self.pid or 0)])
        if used > self.memory:
            raise MemoryExceeded(
                f"Stage {stage} needed {used / 2**30:.1f} GiB; this worker may use"
                f" {self.memory / 2**30:.1f} GiB."
            )


def rebuilt(said: dict[str, Any]) -> errors.PipelineError:
    """The error that the child described, as its own class again (a plug-in's class becomes its
    nearest known one)."""
    kind = getattr(errors, said["error"], None) or getattr(errors, said["kind"])
    error: errors.PipelineError = kind(said["message"], remedy=said["remedy"])
    if isinstance(error, errors.HostFault):
        error.number = said.get("number")
    error.stage = said["stage"]
    return error


def _ending(code: int) -> str:
    return f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"exit status {code}"


def resident(pid: int) -> int:
    """Resident memory of PID in bytes, 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def children(pid: int) -> list[int]:
    """All descendants of PID."""
    try:
        direct = [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except (OSError, ValueError):
        return []
    return [descendant for child in direct for descendant in (child, *children(child))]
