"""What a worker's engine uses, for its heartbeat. Asked in a thread of its own: a driver that hangs
must stop neither the beat nor the work."""

from __future__ import annotations

import threading
from collections.abc import Callable

from layout.beat import Beat
from layout.signs import Gpu
from pipeline.gpu import nvml, tenancy
from pipeline.gpu.engine import Engine, children, resident
from pipeline.watchers.models import Models

STEP = 1 << 26  # bytes: what moves less is no news


class Meter(threading.Thread):
    """Measures ENGINE, and the GPU that DEVICE names, every INTERVAL seconds until OVER; looks
    at MODELS too."""

    def __init__(
        self,
        beat: Beat,
        engine: Callable[[], Engine],
        device: str,
        interval: float,
        models: Models | None = None,
    ) -> None:
        super().__init__(name=f"meter-{beat.heartbeat.worker}", daemon=True)
        self.beat, self.engine, self.interval, self.models = beat, engine, interval, models
        self.gpu = tenancy.physical(device) if device.startswith("cuda") else None
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self.look()
            self._over.wait(self.interval)

    def look(self) -> None:
        pid = self.engine().pid or 0
        used = sum(resident(one) for one in (pid, *children(pid)))
        self.beat.measured(_even(used), self._gpu())
        if self.models:
            self.models.look(self.beat)

    def end(self) -> None:
        self._over.set()

    def _gpu(self) -> Gpu | None:
        found = nvml.state(self.gpu) if self.gpu is not None else None
        return found.model_copy(update={"used": _even(found.used)}) if found else None


def _even(bytes: int) -> int:
    return round(bytes / STEP) * STEP
