"""The device of one service: what is asked for is made one at a time, by an engine that belongs to
one thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pipeline.backends.generator_protocol import URL
from pipeline.config import Settings
from pipeline.gpu.device import engine_environment, memory_limit
from pipeline.gpu.engine import Engine, Order
from pipeline.kept import store
from pipeline.kept.store import Kept
from pipeline.queues import QUEUES
from pipeline.recipes import Leg
from pipeline.runner.runner import NETWORK_STAGES

WAITING = 16  # requests that are being made or wait for the device


class Busy(Exception):
    """So many requests wait already that another one had better come back."""


class Stopping(Exception):
    """The service is told to end; what is being made is abandoned."""


class Device:
    """DEVICE is cpu or cuda:N. The engine has the deadline and the memory cap of a worker's; where
    it dies, the next request gets a new one."""

    def __init__(self, settings: Settings, service: str, device: str) -> None:
        # The views service is what FLUX_BACKEND_URL names: it must not ask itself.
        environment = engine_environment(device) | ({URL: ""} if service == "views" else {})
        self.lan = settings.worker.image_lan
        self.name, self.models = (
            device,
            settings.host.models if settings.host.models.is_dir() else None,
        )
        self._engine = Engine(
            (service,),
            environment,
            settings.worker.deadline,
            memory_limit(settings.worker.memory_gb),
        )
        self._thread = ThreadPoolExecutor(1, "device")
        self._asked, self._lock, self._stopping = 0, threading.Lock(), threading.Event()
        self._thread.submit(self._engine.start)

    def make(self, root: Path, request: dict[str, Any], legs: Sequence[Leg]) -> list[Kept]:
        """Run LEGS in the workspace ROOT with its input/; the artefacts. Raises the stage's own
        error, Busy or Stopping."""
        made = self._accepted(root, request, legs)
        try:
            return made.result()
        except CancelledError:
            raise Stopping from None
        finally:
            with self._lock:
                self._asked -= 1

    def load(self) -> dict[str, int]:
        """How many requests are being made and how many wait."""
        return {"making": min(1, self._asked), "waiting": max(0, self._asked - 1)}

    def end(self) -> None:
        """Abandon what is being made and let the engine go."""
        with self._lock:
            self._stopping.set()
        self._thread.shutdown(cancel_futures=True)
        self._engine.stop()

    def _accepted(
        self, root: Path, request: dict[str, Any], legs: Sequence[Leg]
    ) -> Future[list[Kept]]:
        with self._lock:
            if self._stopping.is_set():
                raise Stopping
            if self._asked == WAITING:
                raise Busy
            self._asked += 1
            return self._thread.submit(self._make, root, request, legs)

    def _make(self, root: Path, request: dict[str, Any], legs: Sequence[Leg]) -> list[Kept]:
        before: tuple[str, ...] = ()
        for leg in legs:
            network = any(stage in NETWORK_STAGES for stage in leg.stages)
            order = Order(
                leg.stages,
                request,
                root,
                root / "input",
                self.models,
                isolated=not QUEUES[leg.queue].hot,
                network=network,
                lan=self.lan,
                before=before,
            )
            self._engine.run(order, lambda event: None, self._tick)
            before += leg.stages
        return store.load(root)

    def _tick(self) -> None:
        if self._stopping.is_set():
            raise Stopping
