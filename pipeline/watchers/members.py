"""The processes of a fleet: kept running until it is time to stop, and drained together."""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

from pipeline import machine
from pipeline.watchers.roster import Role

log = logging.getLogger(__name__)

STEADY = 60.0  # a process that lived that long is restarted at once; others wait longer each time
LONGEST_WAIT = 60.0
DRAIN_LIMIT = 90.0
TRIES = 3  # starts in a row that come to nothing, after which a fleet that gives up ends
IDLE, RESTART = 0, 75  # exit codes: idle and asked to end so · start me again under a new name


def ours(program: str, root: Path, *arguments: str) -> list[str]:
    """The command line of one of our own PROGRAMs, "webapi" or "pipeline up", on the tree at
    ROOT."""
    return [sys.executable, "-m", *program.split(), "--atlas", str(root), *arguments]


def command(root: Path | str, host: str, role: Role, until_idle: bool = False) -> list[str]:
    """The command line of the process that fills ROLE on HOST."""
    arguments = ["--atlas", str(root), "--host", host, "--role", role.kind]
    arguments += ["--device", role.device, "--queues", ",".join(role.queues)]
    arguments += ["--parent", str(os.getpid())]
    arguments += ["--cores", ",".join(map(str, role.cores))] if role.cores else []
    arguments += ["--memory", str(role.memory)] if role.memory else []
    arguments += ["--until-idle"] if until_idle and role.kind == "intake" else []
    return [sys.executable, "-m", "pipeline.watchers.process", *arguments]


def stop_on_signals(stopping: threading.Event, anew: threading.Event | None = None) -> None:
    """SIGTERM, SIGINT and a terminal that is closed drain: the job in hand is released, uncounted.
    Under nohup a closed terminal means nothing. ANEW: set by SIGHUP instead where there is no
    terminal that could be closed, as in a unit or a container: settings are to be read anew."""
    reads = anew if anew and not machine.has_terminal() else stopping
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        means = reads if number == signal.SIGHUP else stopping
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_, means=means: _set(means))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _set(event: threading.Event) -> None:
    """From a signal's handler, in a thread of its own: the handler runs in the middle of whatever
    the main thread does, which may hold the event's lock as it waits, and would wait for itself."""
    _thread.start_new_thread(event.set, ())


def begin_anew() -> NoReturn:
    """This process becomes what it was called as, under the same number; nothing of it stays. A
    SIGHUP that comes meanwhile waits until there is somebody to hear it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


class Member:
    """A role and the process that fills it at present."""

    def __init__(self, role: Role, command: list[str]) -> None:
        self.role, self.command = role, command
        self.process: subprocess.Popen[bytes] | None = None
        self.started, self.wait, self.due = 0.0, 1.0, 0.0
        self.failures = 0  # starts in a row that did not last

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL)

    def ended(self) -> int | None:
        return self.process.poll() if self.process else None

    def schedule(self, code: int) -> None:
        """Start again: at once after a steady life or when asked to, else after a wait that
        doubles."""
        steady = time.monotonic() - self.started > STEADY or code == RESTART
        self.failures = 0 if steady else self.failures + 1
        self.wait = 1.0 if steady else min(2 * self.wait, LONGEST_WAIT)
        self.due, self.process = time.monotonic() + (0 if steady else self.wait), None


def keep(
    members: list[Member],
    stopping: threading.Event,
    until_idle: bool,
    gives_up: bool = False,
    anew: threading.Event | None = None,
) -> bool:
    """Keep every member running until it is time to stop or to begin ANEW; False where it GIVES_UP
    on one."""
    while not stopping.is_set() and not (anew and anew.is_set()):
        for member in members:
            code = member.ended()
            if code == IDLE and until_idle and member.role.kind == "intake":
                return True
            if code is not None:
                log.warning(
                    "process.ended role=%s device=%s code=%d",
                    member.role.kind,
                    member.role.device,
                    code,
                )
                member.schedule(code)
            if gives_up and member.failures >= TRIES:
                log.error("fleet.gives_up role=%s device=%s", member.role.kind, member.role.device)
                return False
            if member.process is None and time.monotonic() >= member.due:
                member.start()
        _reap_orphans(members)
        stopping.wait(0.2)
    return True


def _reap_orphans(members: list[Member]) -> None:
    """As process 1 of a container a fleet is left the engines of workers that were killed; nobody
    else takes note that they ended."""
    if os.getpid() != 1:
        return
    ours = {member.process.pid for member in members if member.process}
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in ours:
                return
            os.waitpid(ended.si_pid, 0)


def drain(members: list[Member]) -> None:
    """Ask all to end, wait, and kill who does not listen."""
    running = [
        member.process for member in members if member.process and member.process.poll() is None
    ]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + DRAIN_LIMIT
    for process in running:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
