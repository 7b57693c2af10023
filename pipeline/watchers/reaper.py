"""The reaper: mends what dead processes left behind, one rule per row of the crash table
(docs/lifecycle.md).

It seizes a dead worker's folder by rename before it looks inside; everything it takes away goes to
trash/, where the pipeline's own leftovers stay until the next sweep and a person's deleted jobs for
30 days.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from layout import lifecycle, rights, strangers, tree
from layout.attention import Attention, Waits, words
from layout.copies import borne_twice, is_copy
from layout.liveness import Life, Observer
from layout.tree import Atlas, Place, State
from pipeline import queues, recipes
from pipeline.config import Settings
from pipeline.runner import due
from pipeline.submission import job_view
from pipeline.watchers import cleanup
from pipeline.watchers.finished import Finished
from pipeline.watchers.torn import Torn
from pipeline.watchers.two_looks import TwoLooks, newest

log = logging.getLogger(__name__)

LOOKED_AT = 200  # waiting jobs whose job.json is looked at in one round, in turn


class Reaper:
    """Part of each ``up``'s intake process, under that process's own name."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Settings,
        name: str,
        observer: Observer,
        clock: Callable[[], float] = time.monotonic,
        attention: Attention | None = None,
    ) -> None:
        self.atlas, self.settings, self.name, self.observer, self.clock = (
            atlas,
            settings,
            name,
            observer,
            clock,
        )
        self.attention = attention or Attention(atlas)
        self._drafts, self._staging, self._workers, self._damaged = (
            TwoLooks(clock) for _ in range(4)
        )
        self._torn = Torn(atlas, settings.reaper.orphan_look_gap, clock)
        # waiting jobs whose job.json was read: its inode, size and time
        self._sound: dict[str, tuple[int, int, int]] = {}
        self._finished = Finished(atlas, self.attention)
        self._turn = 0

    def round(self) -> None:
        """One look at everything that may need mending. A folder of the tree that may not be read
        keeps no other from being looked at."""
        for folder, look in (
            (self.atlas.processing, self._look_at_held), (self.atlas.failed, self._look_at_failed),
            (self.atlas.done, self._finished.look), (self.atlas.claimed, self._look_at_waiting),
            (self.atlas.drafts, self._sweep_drafts), (self.atlas.staging, self._sweep_staging),
            (self.atlas.workers, self._sweep_workers), (self.atlas.inbox, self._torn.sweep),
            (self.atlas.trash, self._sweep_trash),
        ):  # fmt: skip
            with self.attention.over(folder):
                look()

    # -- processing/ ---------------------------------------------------------------------------
    def _look_at_held(self) -> None:
        held = self.atlas.places(State.PROCESSING)
        self.observer.look(frozenset(str(place.worker) for place in held))
        for path, error in self.observer.closed.items():
            self.attention.say(path, words(error, path))
        for place in held:
            with self.attention.over(place.path):
                self._held(place)

    def _held(self, place: Place) -> None:
        if place.worker == self.name:
            self.settle(place)
        elif self.observer.life(str(place.worker)) is Life.DEAD:
            held = lifecycle.seize(self.atlas, place, self.name)
            log.warning("job.seized job=%s from=%s", place.id, place.worker)
            self.settle(held)

    def settle(self, place: Place) -> Place:
        """Take the edge that a seized folder is due for."""
        verdict, job = due.verdict(self.atlas, place, self.settings.worker.max_crashes, ended=True)
        log.info("job.settled job=%s verdict=%s", place.id, verdict)
        return due.settle(self.atlas, place, verdict, job)

    # -- failed/ -------------------------------------------------------------------------------
    def _look_at_failed(self) -> None:
        for name in self.atlas.strangers(State.FAILED):
            with self.attention.over(self.atlas.failed / name):
                lifecycle.recognise(self.atlas, name)
        twice = borne_twice(self.atlas)
        for place in self.atlas.places(State.FAILED):
            with self.attention.over(place.path):
                self._failed(place, place.id in twice)
                self._demand_alone(place)

    def _demand_alone(self, place: Place) -> None:
        if slipped := strangers.inside(self.atlas, place):
            raise Waits(slipped)

    def _failed(self, place: Place, twice: bool) -> None:
        plain = "@" not in place.path.name
        if plain and not twice and self.atlas.disk.seen(place.path / tree.ERROR_TEXT):
            return
        if lifecycle.tidy(self.atlas, place) is None and self.atlas.disk.seen(place.path):
            raise Waits(
                "its job.json is missing or damaged; move the folder to inbox/ to have it"
                " identified anew, or delete it"
            )

    # -- claimed/ ------------------------------------------------------------------------------
    def _look_at_waiting(self) -> None:
        self._mend_waiting()
        self._correct_queues()

    def _mend_waiting(self) -> None:
        """A waiting job whose job.json was damaged, missing or that of a job elsewhere in two looks
        goes back to be accepted anew."""
        places = {
            place.path.name: place for place in self.atlas.places(State.CLAIMED) if not place.hidden
        }
        self._sound = {name: stamp for name, stamp in self._sound.items() if name in places}
        start = self._turn % max(len(places), 1)
        turn = [*places.values()][start:] + [*places.values()][:start]
        self._turn = start + LOOKED_AT
        damaged = []
        for place in turn[:LOOKED_AT]:
            with self.attention.over(place.path):
                if not self._is_sound(place):
                    damaged.append(place.path.name)
                self._demand_alone(place)
        for name in self._damaged.again(damaged, self.settings.worker.beat):
            with self.attention.over(places[name].path):
                lifecycle.accept_anew(self.atlas, places[name])
                log.warning(
                    "job.anew job=%s why=%s",
                    places[name].id,
                    "its job.json is damaged or missing, or another folder's",
                )

    def _is_sound(self, place: Place) -> bool:
        """Whether job.json can be read, says what the job is, and is this folder's own; looked at
        again only where the file changed."""
        found = self.atlas.disk.lstat(place.path / tree.JOB)
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns) if found else None
        if stamp is None or self._sound.get(place.path.name) != stamp:
            job = lifecycle.readable_job(self.atlas, place.path)
            if job is None or job.kind is None or is_copy(self.atlas, place, job):
                return False
            if stamp:
                self._sound[place.path.name] = stamp
        return True

    def _correct_queues(self) -> None:
        """A waiting job whose queue no recipe knows goes to the first leg of its own kind."""
        for place in self.atlas.places(State.CLAIMED):
            if place.hidden or place.queue in queues.QUEUES:
                continue
            with self.attention.over(place.path):
                job = job_view.job_at(self.atlas, place)
                recipe = recipes.RECIPES.get(job.kind or "") if job else None
                if recipe is not None:
                    lifecycle.requeue(self.atlas, place, recipe.legs[0].queue)

    # -- .pipeline/ ----------------------------------------------------------------------------
    def _sweep_drafts(self) -> None:
        """A draft that stood unchanged for a day of this process's own clock."""
        stamps = {}
        for entry in self.atlas.disk.scandir(self.atlas.drafts):
            if (stamp := newest(self.atlas.drafts / entry.name)) is not None:
                stamps[f"{entry.name}\0{stamp}"] = entry.name
        for key in self._drafts.again(stamps, self.settings.reaper.drafts_age):
            draft = self.atlas.drafts / stamps[key]
            self._discard(draft, f"{draft.name}-draft")

    def _sweep_staging(self) -> None:
        held = {place.path.name for place in self.atlas.places(State.PROCESSING)}
        orphans = [
            entry.name
            for entry in self.atlas.disk.scandir(self.atlas.staging)
            if entry.name not in held
        ]
        for name in self._staging.again(orphans, self.settings.reaper.staging_looks_apart):
            self._discard(self.atlas.staging / name, name)

    def _sweep_workers(self) -> None:
        """Heartbeats of the dead that hold nothing."""
        holding = {place.worker for place in self.atlas.places(State.PROCESSING)}
        dead = [
            worker
            for worker in self.observer.last
            if worker not in holding and self.observer.life(worker) is Life.DEAD
        ]
        for worker in self._workers.again(dead, self.settings.reaper.orphan_look_gap):
            self._discard(self.atlas.heartbeat(worker), f"{worker}.json")

    def _sweep_trash(self) -> None:
        if why := rights.closed(self.atlas.trash):
            raise Waits(f"{why}; until then nothing can be deleted")
        for item in cleanup.trash_due(self.atlas, self.settings.reaper.trash_days):
            with self.attention.over(item.path):
                cleanup.remove(self.atlas, item)

    def _discard(self, path: Path, name: str) -> None:
        """NAME must be no job's id: only what a person deleted bears one in trash/."""
        with self.attention.over(path):
            lifecycle.discard(self.atlas, path, name)
