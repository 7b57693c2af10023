"""Two hosts on one machine: the processes of their fleets, started again whenever they end, and whom a signal can meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from layout.tree import Atlas
from pipeline.gpu.engine import children

FLEET = (("intake", ""), ("worker", "views,mesh"), ("worker", "finish"))
SETTINGS = {
    "INTAKE__QUIET_LOCAL": "0.4", "INTAKE__TICK": "0.1", "INTAKE__STATUS_INTERVAL": "1",
    "WORKER__BEAT": "0.25", "WORKER__DEAD_LOOKS": "6", "WORKER__POLL": "0.1",
    "REAPER__INTERVAL": "0.3", "REAPER__STAGING_LOOKS_APART": "2",
    "REAPER__ORPHAN_LOOK_GAP": "1", "REAPER__VERIFY_AFTER": "2", "LOG__FORM": "json",
}  # fmt: skip


class Victim(NamedTuple):
    """Somebody whom a signal can meet. WHAT: intake, worker, engine (of a worker) or leg (the confined child of an engine)."""

    host: str
    what: str
    pid: int
    parent: int  # the process of the fleet that it belongs to


class Host:
    """The processes of one host on ATLAS, each with a log of its own in FOLDER."""

    def __init__(self, name: str, atlas: Atlas, folder: Path) -> None:
        self.name, self.atlas, self.folder = name, atlas, folder
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        own = {"INBOX3D_RUN": str(folder / f"run-{name}")}
        own["INBOX3D_HOST__SCRATCH"] = str(folder / f"scratch-{name}")
        named = {f"INBOX3D_{key}": value for key, value in SETTINGS.items()}
        self.environment = os.environ | named | own
        self.processes: list[subprocess.Popen[bytes] | None] = [None] * len(FLEET)
        self.started = 0

    def keep(self) -> None:
        """Start what ended, as ``up`` does, but at once."""
        for at, process in enumerate(self.processes):
            if process is None or process.poll() is not None:
                self.processes[at] = self._start(*FLEET[at])

    def _start(self, role: str, queues: str) -> subprocess.Popen[bytes]:
        self.started += 1
        command = [sys.executable, "-m", "tests.chaos.process", "--boot", self.name]
        command += ["--atlas", str(self.atlas.root), "--host", self.name, "--role", role]
        command += ["--device", "cpu", "--queues", queues]
        log = self.folder / "logs" / f"{self.name}-{role}-{self.started:04d}.log"
        with log.open("wb") as file:
            return subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stderr=file
            )

    def alive(self) -> Iterator[Victim]:
        for (role, _), process in zip(FLEET, self.processes, strict=True):
            if process is None or process.poll() is not None:
                continue
            yield Victim(self.name, role, process.pid, process.pid)
            for depth, pid in enumerate(children(process.pid)):
                yield Victim(self.name, "leg" if depth else "engine", pid, process.pid)

    def end(self) -> None:
        """Drain, and kill who does not listen; by their own pids."""
        running = [one for one in self.processes if one is not None and one.poll() is None]
        for process in running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def strike(victims: list[Victim], number: signal.Signals) -> int:
    """How many of VICTIMS got the signal: who ended just now, or was killed before, is not counted."""
    hit = 0
    for victim in victims:
        with suppress(ProcessLookupError):
            if _state(victim.pid) not in ("", "Z", "X"):
                os.kill(victim.pid, number)
                hit += 1
    return hit


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""
