"""Workers that a test makes as it needs them, and that end with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from layout.tree import Atlas
from pipeline.config import Settings
from pipeline.watchers.worker import Worker
from tests.support.engines import Reused


class Made:
    """Makes workers whose recipes are stand-ins."""

    def __init__(self) -> None:
        self.all: list[Worker] = []

    def __call__(
        self,
        atlas: Atlas,
        settings: Settings,
        name: str,
        queues: tuple[str, ...],
        engine: Any = None,
    ) -> Worker:
        """ENGINE: what stands in for a child process, where none is wanted."""
        worker = Worker(atlas, settings, name, queues, "cpu", threading.Event())
        if engine is not None:
            worker.engine = worker.runner.engine = engine
        else:
            worker.engine.queues = ()  # stand-ins for stages: no libraries to import beforehand
            worker.engine.__class__ = Reused
        worker.beat.beat()
        self.all.append(worker)
        return worker


@contextmanager
def made() -> Iterator[Made]:
    """Heartbeats of all that were made are ended; their engines wait for another test, or end."""
    makes = Made()
    try:
        yield makes
    finally:
        for worker in makes.all:
            if isinstance(worker.engine, Reused):
                worker.engine.leave()
            worker.beat.end()
