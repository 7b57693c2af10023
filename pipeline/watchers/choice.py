"""Which of the waiting jobs a worker starts next: what it can read, what has come to rest, and what
it does not leave to others."""

from __future__ import annotations

import contextlib
import time
from typing import NamedTuple

from layout import lifecycle, tree
from layout.attention import Attention
from layout.liveness import Life, Observer
from layout.manifest import JobFile, NewerFormat, Outcome, Start
from layout.tree import Atlas, Place, State
from pipeline.kept.snapshot import Snapshot, snapshot
from pipeline.progress.likeness import Asked
from pipeline.submission import job_view
from pipeline.watchers.order import Order
from pipeline.watchers.room import Asks, asks_of

LOOKED_AT = 200  # waiting jobs of which one look sees whether their job.json is another one


class Accepted(NamedTuple):
    """AT: the time of acceptance; what the job asks of scratch, what its memory depends on, whether
    it is urgent; the file that said so."""

    at: str
    asks: Asks
    asked: Asked
    urgent: bool
    stamp: tuple[int, int, int] | None


class Choice:
    """The choice of worker NAME, which serves QUEUES. ``left`` says what it leaves alone, and
    why."""

    def __init__(
        self,
        atlas: Atlas,
        name: str,
        queues: tuple[str, ...],
        observer: Observer,
        attention: Attention,
    ) -> None:
        self.atlas, self.name, self.queues = atlas, name, queues
        self.observer, self.attention = observer, attention
        # place name → what its job.json said, read once while that stays as it is
        self.accepted: dict[str, Accepted] = {}
        self._turn = 0
        self.lacking: set[str] = set()  # ids of jobs that need what this host has not
        self.avoid: set[str] = set()  # ids whose engine died here, or that lack something here
        # ids of jobs about whose earlier work this host and another do not agree → who ran then
        self.disagrees: dict[str, frozenset[str]] = {}
        self.left = ""
        self.order = Order()
        self._unchanged: dict[str, tuple[Snapshot, float]] = {}

    def came_by_models(self) -> None:
        """The models of this host are others now: what lacked some is tried again."""
        self.avoid -= self.lacking
        self.lacking.clear()

    def asks(self, place: Place) -> Asks:
        """What a job that is waiting asks of scratch."""
        return self.accepted[place.path.name].asks

    def asked(self, place: Place) -> Asked:
        """What the time and memory of a job that is waiting depend on."""
        return self.accepted[place.path.name].asked

    def waiting(self) -> list[Place]:
        """Jobs this worker may start now, urgent ones first, else by acceptance; never by name
        order."""
        self.left = ""
        places = [
            place
            for place in self.atlas.places(State.CLAIMED)
            if not place.hidden and place.queue in self.queues
        ]
        if any(place.id in self.avoid for place in places):  # others are asked for now
            self.observer.look()
        elif places:
            self.observer.keep_up()
        self.accepted = {
            place.path.name: self.accepted[place.path.name]
            for place in places
            if place.path.name in self.accepted
        }
        self._forget(places)
        ready = [
            place for place in places if self._readable(place) and not self._left_to_others(place)
        ]
        ready.sort(key=lambda place: (self.accepted[place.path.name].at, place.id))
        sorts: tuple[list[Place], list[Place]] = ([], [])
        for place in ready:
            sorts[self.accepted[place.path.name].urgent].append(place)
        return self.order.of(urgent=sorts[True], others=sorts[False])

    def began(self, place: Place) -> None:
        """The job that waited at PLACE is started."""
        others_wait = any(not one.urgent for one in self.accepted.values())
        self.order.started(self.accepted[place.path.name].urgent, others_wait)

    def _forget(self, places: list[Place]) -> None:
        """What a job.json said that is another one now: its job was accepted anew between two
        looks, and came back under its name, perhaps as an urgent one. LOOKED_AT in one look, in
        turn: there may be ten thousand."""
        start = self._turn % max(len(places), 1)
        self._turn = start + LOOKED_AT
        for place in (places[start:] + places[:start])[:LOOKED_AT]:
            known = self.accepted.get(place.path.name)
            with contextlib.suppress(OSError):  # who tries to start it tells what is wrong
                if known and self._stamp(place) not in (None, known.stamp):
                    del self.accepted[place.path.name]

    def _stamp(self, place: Place) -> tuple[int, int, int] | None:
        found = self.atlas.disk.lstat(place.path / tree.JOB)
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found else None

    def _readable(self, place: Place) -> bool:
        """A job of a newer inbox3d is left to hosts that understand it; one whose job.json is
        damaged is mended by an intake."""
        if place.path.name in self.accepted:
            return True
        with self.attention.over(place.path):
            stamp = self._stamp(place)
            try:
                job = lifecycle.readable_job(self.atlas, place.path)
            except NewerFormat as newer:
                self.left = f"idle; leaves {place.id} alone: {newer}; update inbox3d on this host"
                raise
            if job is not None:
                self.accepted[place.path.name] = Accepted(
                    job.accepted.at if job.accepted else "",
                    asks_of(job),
                    Asked.of(job),
                    job.options.get("urgent") is True,
                    stamp,
                )
                return True
        return False

    def _left_to_others(self, place: Place) -> bool:
        """A job whose engine died here is left to another live worker of its queue, so that one
        sick GPU cannot poison it; not to one that it crashed on too, or that lacks what it needs,
        else they would wait for each other. A retry begins anew."""
        if place.id not in self.avoid:
            return False
        job = self._job(place)
        stuck = [start for start in (job.run() if job else ()) if _is_stuck(start)]
        mine = [start for start in stuck if start.worker == self.name]
        if not mine:
            return False
        tried = {start.worker for start in stuck}
        others = [
            beat
            for beat in self.observer.live()
            if beat.worker not in tried and place.queue in beat.queues
        ]
        return bool(others) or self._lacks(place.id, mine)

    def _lacks(self, id: str, mine: list[Start]) -> bool:
        """What a host lacks stays so; its full scratch does not (Room tells when it can be used
        again), nor does a disagreement, once there is another host to agree with."""
        if self.fleet() - self.disagrees.get(id, self.fleet()):
            return False
        return id in self.lacking and any(start.outcome is Outcome.LACKING for start in mine)

    def fleet(self) -> frozenset[str]:
        """Every worker that is not known to be dead."""
        return frozenset(
            name for name in self.observer.last if self.observer.life(name) is not Life.DEAD
        )

    def is_quiet(self, place: Place) -> bool:
        """A job that changed under a start before must be seen unchanged for its quiet time, by
        this worker's own clock."""
        if place.n == 0:
            return True
        job = self._job(place)
        if job is None or job.quiet is None:
            return True
        now = time.monotonic()
        try:
            seen = snapshot(self.atlas.disk, place.path / tree.INPUT)
        except FileNotFoundError:  # taken away, or not to be seen: who starts it finds out which
            return True
        before = self._unchanged.get(place.id)
        if before is None or before[0] != seen:
            self._unchanged[place.id] = (seen, now)
            return False
        return now - before[1] >= job.quiet

    def _job(self, place: Place) -> JobFile | None:
        return job_view.job_at(self.atlas, place)


def _is_stuck(start: Start) -> bool:
    """Would START go no further on its worker another time?"""
    return not start.noted or start.outcome is Outcome.LACKING
