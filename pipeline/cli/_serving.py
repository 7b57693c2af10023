"""Does somebody serve this job at present? Judged by the rules of liveness."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from layout.liveness import Life, Observer
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.config import Settings
from pipeline.submission import capacity, job_view

JUDGE = 1.0  # seconds between two looks at the heartbeats


class Lack(NamedTuple):
    """Whom a job waits for in vain, in words; "" where there is nobody to wait for. MEMORY: workers
    are there, and none has enough of it."""

    words: str = ""
    memory: bool = False


class Serving:
    """Does somebody serve the job at present? By the rules of liveness; a fleet that starts again
    gets one beat to come back."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        grace: float | None = None,
    ) -> None:
        self.atlas = atlas
        self.clock, self.grace, self.looks = (
            clock,
            settings.worker.beat if grace is None else grace,
            0,
        )
        self.observer = Observer(
            atlas, settings.worker.beat, settings.worker.dead_looks, lambda: self.looks, clock
        )
        self._judged: tuple[tuple[object, ...], str] = ((), "")
        self._looked, self._since = float("-inf"), float("inf")
        self._missing, self._still = Lack(), ""

    @property
    def too_large(self) -> bool:
        """Whether what was last said to be lacking is memory: workers are there, none is large
        enough."""
        return self._missing.memory

    def lacking(self, place: Place) -> str:
        """In words, whom the job at PLACE waits for in vain; "" while it is served, or nobody can
        tell yet."""
        now = self._look(place)
        return self._missing.words if now - self._since >= self.grace else ""

    def standing(self, place: Place) -> str:
        """In words, which process that the job at PLACE waits for stands still; "" where it goes
        on, or others do its work."""
        self._look(place)
        return self._still

    def _look(self, place: Place) -> float:
        now = self.clock()
        if now - self._looked >= JUDGE:
            self._looked, self.looks = now, self.looks + 1
            self.observer.look(frozenset({place.worker} if place.worker else ()))
            self._missing = self._whom(place)
            self._since = min(self._since, now) if self._missing.words else float("inf")
            self._still = "; ".join(filter(None, map(self.observer.standing, self._awaited(place))))
        return now

    def _awaited(self, place: Place) -> list[str]:
        """Whom the job at PLACE waits for: the worker that holds it; where nobody else would, those
        that watch or serve its queue."""
        beats = self.observer.last.values() if self._missing.words else ()
        takers = [
            beat.worker
            for beat in beats
            if (place.queue in beat.queues if self._is_queued(place) else beat.role == "intake")
        ]
        return [*([place.worker] if place.worker else []), *takers]

    @staticmethod
    def _is_queued(place: Place) -> bool:
        return place.state is State.CLAIMED and not place.hidden

    def _whom(self, place: Place) -> Lack:
        known = [
            beat
            for beat in self.observer.last.values()
            if self.observer.life(beat.worker) is not Life.DEAD
        ]
        moving = [beat for beat in known if not self.observer.standing(beat.worker)]
        watched = any(beat.role == "intake" for beat in moving)
        if place.state is State.INBOX or place.hidden:
            return self._too_large(place, moving) if watched else Lack("nobody watches inbox/")
        if place.state is State.CLAIMED:
            if not any(place.queue in beat.queues for beat in moving):
                return Lack(f"no live worker serves {place.queue}")
            return self._too_large(place, moving)
        gone = place.state is State.PROCESSING and all(
            beat.worker != place.worker for beat in known
        )
        return (
            Lack(f"{place.worker}, which ran it, is gone and nobody takes it over")
            if gone and not watched
            else Lack()
        )

    def _too_large(self, place: Place, beats: list[Heartbeat]) -> Lack:
        """That no live worker has the memory; judged when its queue or they change."""
        now = (
            place.queue,
            *((beat.worker, beat.memory, beat.gpu and beat.gpu.memory) for beat in beats),
        )
        if now != self._judged[0]:
            job = job_view.job_at(self.atlas, place) if place.id else None
            told = capacity.told_at_submission(self.atlas, job, beats, place.queue) if job else ""
            self._judged = now, told
        return Lack(self._judged[1], memory=bool(self._judged[1]))
