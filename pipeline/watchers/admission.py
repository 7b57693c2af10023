"""Memory of one worker's engine: whether a job may start here, is left to a larger worker, or waits
for a person to give it one."""

from __future__ import annotations

import sys

from layout.attention import Waits
from layout.liveness import Observer
from layout.signs import Heartbeat
from layout.tree import Place
from pipeline.progress.likeness import Asked
from pipeline.progress.past import Past
from pipeline.submission import capacity

MORE = 1.25  # a job that ran out is tried again where there is that much more than it had


class Admission:
    """OWN: the worker's heartbeat, which says how much its engine may use and what it serves."""

    def __init__(self, own: Heartbeat, past: Past, observer: Observer) -> None:
        self.own, self.past, self.observer = own, past, observer
        self.limit = own.memory or sys.maxsize
        self._short: set[str] = set()  # ids of jobs that this engine's memory was too small for

    def left(self, place: Place, asked: Asked) -> str:
        """In words, to whom the job at PLACE is left; "" where it may start here. Waits where its
        need is nobody's to meet."""
        queue = str(place.queue)
        need = capacity.needed(self.past, asked, queue, self.own.queues)
        if place.id in self._short:
            need = max(need, int(self.limit * MORE))
        if need <= self.limit:
            return ""
        others = [
            beat
            for beat in self.observer.live()
            if queue in beat.queues and beat.worker != self.own.worker
        ]
        if larger := [beat.worker for beat in others if (beat.memory or need) >= need]:
            why = f"it needs about {capacity.gib(need)} of memory"
            return f"idle; leaves {place.id} to {larger[0]}: {why}"
        if place.id in self._short:  # nobody has more: the crashes of its starts decide
            return ""
        raise Waits(capacity.lacking(self.past, asked, queue, [*others, self.own]))

    def ran_out(self, id: str) -> None:
        """A start of job ID needed more than there is."""
        self._short.add(id)

    def forget(self, id: str) -> None:
        self._short.discard(id)
