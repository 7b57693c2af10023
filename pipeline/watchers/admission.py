"""Memory of one worker's engine and of its GPU: whether a job may start here, is left to a larger
worker, or waits for a person to give it one."""

from __future__ import annotations

import sys

from layout.attention import Waits
from layout.beat import Beat
from layout.liveness import Observer
from layout.signs import Heartbeat
from layout.tree import Place
from pipeline.progress.likeness import Asked
from pipeline.progress.past import Past
from pipeline.submission import capacity

MORE = 1.25  # a job that ran out is tried again where there is that much more than it had


class Admission:
    """BEAT: the worker's own, which says how much its engine may use, what GPU it has and what it
    serves."""

    def __init__(self, beat: Beat, past: Past, observer: Observer) -> None:
        self.beat, self.past, self.observer = beat, past, observer
        self.limit = beat.heartbeat.memory or sys.maxsize
        # ids of jobs that this engine's memory was too small for, and those its GPU's was
        self._short: set[str] = set()
        self._beyond_gpu: set[str] = set()

    def left(self, place: Place, asked: Asked) -> str:
        """In words, to whom the job at PLACE is left; "" where it may start here. Waits where its
        need is nobody's to meet."""
        queue, own = str(place.queue), self.beat.heartbeat
        need = capacity.needed(self.past, asked, queue, own.queues)
        if place.id in self._short:
            need = need._replace(memory=max(need.memory, int(self.limit * MORE)))
        if place.id in self._beyond_gpu:
            need = need._replace(gpu=max(need.gpu, self._more()))
        if not (why := need.beyond(own)):
            return ""
        others = self._others(queue)
        if place.id in self._beyond_gpu:
            others = [beat for beat in others if beat.gpu]
        if larger := [beat.worker for beat in others if need.met_by(beat)]:
            return f"idle; leaves {place.id} to {larger[0]}: {why}"
        if place.id in self._short | self._beyond_gpu:  # nobody has more: what it does decides
            return ""
        raise Waits(capacity.lacking(self.past, asked, queue, [*others, own]))

    def _others(self, queue: str) -> list[Heartbeat]:
        own = self.beat.heartbeat.worker
        return [
            beat for beat in self.observer.live() if queue in beat.queues and beat.worker != own
        ]

    def _more(self) -> int:
        gpu = self.beat.heartbeat.gpu
        return int(gpu.memory * MORE) if gpu else 0

    def larger_gpu(self, queue: str) -> str:
        """The worker of QUEUE whose GPU has that much more memory than this one's; "" where none
        has, or drivers do not tell."""
        more = self._more()
        found = (beat for beat in self._others(queue) if beat.gpu and beat.gpu.memory >= more > 0)
        return next((beat.worker for beat in found), "")

    def beyond_gpu(self, id: str) -> None:
        """A start of job ID ran out of the GPU's memory."""
        self._beyond_gpu.add(id)

    def ran_out(self, id: str) -> None:
        """A start of job ID needed more than there is."""
        self._short.add(id)

    def forget(self, id: str) -> None:
        self._short.discard(id)
        self._beyond_gpu.discard(id)
