"""Real processes for acceptance tests: a tree, an ``up`` that can be killed, and waiting with a limit."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from layout.lifecycle import find
from layout.manifest import JobFile, read_job
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.gpu.engine import children
from pipeline.watchers.members import ours
from tests.support.trees import new_tree

T = TypeVar("T")

QUICK = {
    "INBOX3D_INTAKE__QUIET_LOCAL": "1",
    "INBOX3D_INTAKE__TICK": "0.1",
    "INBOX3D_INTAKE__STATUS_INTERVAL": "0.2",
    "INBOX3D_WORKER__BEAT": "0.4",
    "INBOX3D_WORKER__POLL": "0.1",
    "INBOX3D_REAPER__INTERVAL": "0.4",
    "INBOX3D_REAPER__STAGING_LOOKS_APART": "1",
    "INBOX3D_REAPER__ORPHAN_LOOK_GAP": "1",
    "INBOX3D_REAPER__VERIFY_AFTER": "1",
}


class Waited(AssertionError):
    """What was waited for did not come."""


def eventually(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """The first true answer of LOOK within SECONDS."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise Waited(f"{what} did not happen within {seconds:g} s")


class House:
    """One tree and the ``up`` processes on it."""

    def __init__(self, root: Path, environment: dict[str, str] | None = None) -> None:
        self.atlas: Atlas = new_tree(root / "atlas")
        self.root, self.scratch, self.log = root, root / "scratch", root / "up.log"
        self.environment = (
            os.environ | QUICK | {"INBOX3D_HOST__SCRATCH": str(self.scratch)} | (environment or {})
        )
        self.ups: list[subprocess.Popen[bytes]] = []

    def up(
        self, *arguments: str, name: str = "prometheus", prefix: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """Start an ``up`` in a process group of its own, without the web layer. PREFIX: a command that starts it with fewer rights."""
        where = ("--name", name, "--devices", "cpu")
        command = [*prefix, *ours("pipeline up", self.atlas.root, *where, *arguments)]
        command += [] if "--listen" in arguments else ["--listen", "off"]
        return self.starts(command)

    def starts(self, command: list[str]) -> subprocess.Popen[bytes]:
        """An ``up`` by a COMMAND that says all."""
        with self.log.open("ab") as file:
            process = subprocess.Popen(
                command, env=self.environment, stdout=file, stderr=file, start_new_session=True
            )
        self.ups.append(process)
        return process

    def close(self) -> None:
        for process in self.ups:
            if process.poll() is None:
                process.terminate()
        for process in self.ups:
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            self.kill_group(process)

    @staticmethod
    def kill_group(process: subprocess.Popen[bytes]) -> None:
        """SIGKILL everything that this ``up`` started, engines included (they lead groups of their own)."""
        family = [process.pid, *children(process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def heartbeats(self) -> list[Heartbeat]:
        found = []
        for path in self.atlas.workers.glob("*.json"):
            with suppress(ValueError, OSError):
                found.append(Heartbeat.load(path.read_bytes()))
        return found

    def worker_pids(self) -> list[int]:
        return [beat.pid for beat in self.heartbeats() if beat.role == "worker"]

    def places(self, *states: State) -> list[Place]:
        return [place for state in states for place in self.atlas.places(state)]

    def where(self, name: str) -> Place | None:
        """Where the job stands whose person called the drop NAME."""
        for place in self.places(*State):
            with suppress(OSError, ValueError):
                job = read_job(self.atlas.disk, place.path)
                if job is not None and job.source.name == name:
                    return place
        return None

    def ended(self, name: str, seconds: float) -> tuple[Place, JobFile]:
        """Wait until the job called NAME stands in done/ or failed/ under its plain name."""

        def look() -> Place | None:
            place = self.where(name)
            return (
                place
                if place
                and place.state in (State.DONE, State.FAILED)
                and "@" not in place.path.name
                else None
            )

        place = eventually(look, seconds, f"{name} ending ({self.tail()})")
        job = read_job(self.atlas.disk, place.path)
        assert job is not None
        return place, job

    def find(self, id: str) -> Place | None:
        return find(self.atlas, id)

    def tail(self) -> str:
        return self.log.read_text()[-1500:] if self.log.exists() else "no log"

    def leftovers(self) -> list[str]:
        """What should not be there when nothing runs: shells, staging, trash of the pipeline's own, scratch, processing."""
        folders = [
            self.atlas.claimed,
            self.atlas.processing,
            self.atlas.staging,
            self.atlas.drafts,
            self.atlas.trash,
        ]
        hidden = [
            path for state in (self.atlas.done, self.atlas.failed) for path in state.rglob(".*")
        ]
        return sorted(
            str(path.relative_to(self.root))
            for path in [*(p for folder in folders for p in folder.iterdir()), *hidden]
        )


@contextmanager
def house(root: Path, environment: dict[str, str] | None = None) -> Iterator[House]:
    one = House(root, environment)
    try:
        yield one
    finally:
        one.close()


def sums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below FOLDER by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
