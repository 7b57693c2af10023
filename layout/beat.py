"""One process's heartbeat, written from a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import Any

from layout.locks import boot_id, run_folder, take_lock
from layout.signs import Gpu, Heartbeat
from layout.tree import Atlas

log = logging.getLogger(__name__)


class Beat(threading.Thread):
    """Writes one worker's heartbeat from a thread of its own: a hanging mount must not stop the
    work, nor the work the beat."""

    def __init__(self, atlas: Atlas, heartbeat: Heartbeat, interval: float) -> None:
        super().__init__(name=f"beat-{heartbeat.worker}", daemon=True)
        self.atlas, self.interval = atlas, interval
        lock_path = run_folder() / f"{heartbeat.worker}.lock"
        lock = take_lock(lock_path)
        if lock is None:
            raise RuntimeError(f"{lock_path} is held by another process of the same name")
        self._lock, self._lock_path = lock, lock_path
        self.heartbeat = heartbeat.model_copy(
            update={"lock": (str(lock_path), os.fstat(lock.fileno()).st_ino), "boot": boot_id()}
        )
        self.counted = 0  # beats that reached Atlas
        self._failed = ""  # in words, why the last one did not
        self._over = threading.Event()
        self._changing = threading.Lock()

    def say(self, message: str, job: str | None = None) -> None:
        """What this process is doing, in words; goes out with the next beat."""
        self._change(message=message, job=job)

    def attend(self, lines: tuple[str, ...]) -> None:
        """What waits for a person, in words; goes out with the next beat."""
        self._change(attention=lines)

    def measured(self, used: int, gpu: Gpu | None) -> None:
        """What the engine uses of memory, in bytes, and of its GPU; goes out with the next beat."""
        self._change(used=used, gpu=gpu)

    def able(self, backends: tuple[str, ...], broken: dict[str, str]) -> None:
        """What this host's models serve for, and which are broken; goes out with the next beat."""
        self._change(backends=backends, broken=broken)

    def _change(self, **facts: Any) -> None:
        with self._changing:
            self.heartbeat = self.heartbeat.model_copy(update=facts)

    def beat(self) -> None:
        self._change(counter=self.heartbeat.counter + 1)
        try:
            self.atlas.disk.write_in_place(
                self.atlas.heartbeat(self.heartbeat.worker), self.heartbeat.dump()
            )
            self.counted += 1
            self._failed = ""
        except OSError as error:
            if (what := str(error)) != self._failed:  # a fault that lasts is told once
                log.warning("beat.failed worker=%s what=%s", self.heartbeat.worker, what)
            self._failed = what

    def run(self) -> None:
        while not self._over.wait(self.interval):
            self.beat()

    def end(self) -> None:
        """Stop beating and take the heartbeat away: this process holds nothing any more."""
        self._over.set()
        with contextlib.suppress(OSError):
            self.atlas.disk.unlink(self.atlas.heartbeat(self.heartbeat.worker))
        with contextlib.suppress(OSError):
            self._lock_path.unlink()
        self._lock.close()
