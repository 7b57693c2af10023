"""Engines whose processes outlive their test: what a start costs, half a second of processor time, is paid once for many."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable

from pipeline.gpu.engine import Engine, Event, Order

_WAITING: dict[object, Engine] = {}


class Reused(Engine):
    """An engine that goes on with the process of one that a test before has left waiting for its next leg.

    Only where that one was started as this one would be (queues, environment, folder) and forked for every leg: then there is
    nothing in it of the legs that it ran.
    """

    _alike: object = None

    def start(self) -> None:
        if self.pid is None:
            threads = threading.get_ident()  # it dies with the thread that started it
            settings = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
            self._alike = repr((self.queues, self.environment, settings, os.getcwd(), threads))
            if (left := _WAITING.pop(self._alike, None)) is not None:
                self._process, self._handles = left._process, left._handles
                self._buffer, self._ready = left._buffer, left._ready
        super().start()

    def run(self, order: Order, heard: Callable[[Event], None], tick: Callable[[], None]) -> None:
        super().run(order, heard, tick)
        if not order.isolated:
            self._alike = None

    def leave(self) -> None:
        """The end of a test: the process waits for another one's leg, or ends."""
        alive = self._process is not None and self._process.poll() is None
        if not alive or self._alike is None or self._alike in _WAITING:
            self.stop()
            return
        left = Engine(self.queues, self.environment, self.deadline, self.memory)
        left._process, left._handles = self._process, self._handles
        left._buffer, left._ready = self._buffer, self._ready
        self._process, self._handles = None, None
        _WAITING[self._alike] = left


@atexit.register
def _end() -> None:
    for engine in _WAITING.values():
        engine.stop()
