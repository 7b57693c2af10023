"""Following the tree: one thread lists the folders, writes what changed into the index and tells
the listeners. Folders of jobs that have not ended are listed at every look; those that have:
at_rest.py."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError

from layout import lifecycle
from layout.attention import Attention, Waits
from layout.disk import LineFault
from layout.labels import Labels
from layout.liveness import Observer
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.config import Settings
from webapi.index import rows
from webapi.index.arrivals import Arrival, arriving
from webapi.index.at_rest import AtRest
from webapi.index.given import Given
from webapi.index.known import AT_REST, Known
from webapi.index.schema import Row
from webapi.index.table import Index

log = logging.getLogger(__name__)

ACTIVE = (State.INBOX, State.CLAIMED, State.PROCESSING)


class Follower(threading.Thread):
    """Keeps INDEX like the tree. ``look`` is one round; what changed goes to ``known``, and from
    there to its listeners."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Settings,
        index: Index,
        own_beats: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__(name="follower", daemon=True)
        self.atlas, self.settings, self.index = atlas, settings, index
        self.identity = atlas.identity()
        self.restart: Callable[[], None] = lambda: None  # set by the server
        self.known, self.given = Known(index), Given(atlas)
        self.after: list[Callable[[], None]] = []
        self.observer = Observer(atlas, settings.worker.beat, settings.worker.dead_looks, own_beats)
        self.attention = Attention(atlas)
        self.at_rest = AtRest(atlas, self.known, self.attention, self._read)
        self.arrivals: list[Arrival] = []
        self.halted: str | None = None
        self.fault: str | None = "starting"
        self.counts: dict[str, int] = {}
        self.looked = float("-inf")
        self._missing: dict[str, int] = {}
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.look()
            except LineFault as fault:
                self.fault = fault.message
                log.warning("line.fault what=%s", fault.message)
            except SQLAlchemyError as error:
                self.fault = "the index does not answer"
                log.warning("index.fault what=%s", str(error).partition("\n")[0])
                with contextlib.suppress(SQLAlchemyError):
                    self._begin_anew(
                        damaged=not isinstance(error, OperationalError)
                        and isinstance(error, DatabaseError)
                    )
            except Exception:
                self.fault = "the web process failed to follow the tree; its log says why"
                log.exception("follower.failed")
            self._over.wait(self.settings.web.poll)

    def stop(self) -> None:
        self._over.set()

    @property
    def fresh(self) -> bool:
        """Whether the last good look is recent enough to answer from."""
        return time.monotonic() - self.looked < 3 * self.settings.web.poll + 2

    # -- one look ------------------------------------------------------------------------------
    def look(self) -> None:
        self._check_tree()
        if not self.index.stands():
            self._begin_anew()
        self.known.load()
        self.halted = self.atlas.halted()
        labelled = self.given.look()
        self._look_at_active()
        for state in AT_REST:
            self.at_rest.look(state)
        self._look_at_labels(labelled)
        self.observer.look()
        if self.known.changed():
            self.counts = self.index.counts()
        self.looked, self.fault = time.monotonic(), None
        self.known.filled.set()
        for call in self.after:
            call()

    def _check_tree(self) -> None:
        """LineFault where another tree stands at this path; a restored one (a new epoch) makes this
        process begin anew."""
        found = self.atlas.identity()
        if found.uuid == self.identity.uuid and found.epoch != self.identity.epoch:
            log.warning("tree.restored epoch=%d", found.epoch)
            self.restart()
        self.atlas.guard(self.identity)

    def _begin_anew(self, damaged: bool = False) -> None:
        """The index was taken away: make it again. What is active is put back; what had ended is
        filled in from the tree, untold."""
        log.warning("index.gone: it is filled again from the tree")
        self.known.begin_anew(damaged)
        self.given.begin_anew()
        self.at_rest.begin_anew()

    def _look_at_active(self) -> None:
        present: dict[str, Place] = {}
        for state in ACTIVE:
            places = self.atlas.places(state)
            if state is State.INBOX:
                self.arrivals = arriving(self.atlas, places)
            present |= {place.id: place for place in places if place.id}
        changed = [row for place in present.values() if (row := self._changed(place))]
        self.known.write(changed)
        for id in [id for id in self.known.active if id not in present]:
            self._look_for(id)
        self._missing = {
            id: count for id, count in self._missing.items() if id in self.known.active
        }

    def _changed(self, place: Place) -> Row | None:
        """The new row of PLACE, or None where nothing changed. job.json is read again only when the
        folder's name changed."""
        old = self.known.active.get(place.id)
        folder = str(place.path.relative_to(self.atlas.root))
        if old and old["folder"] == folder and place.state is not State.PROCESSING:
            return None
        row = self._read(place)
        return row if row and row != old else None

    def _read(self, place: Place) -> Row | None:
        """The row of PLACE. What is wrong with one folder is named, and keeps no other out of the
        list."""
        row = None
        with self.attention.over(place.path):
            row = self._named(rows.read(self.atlas, place))
            if row is None and place.state in AT_REST and self.atlas.disk.seen(place.path):
                raise Waits(
                    "no list shows it, because its job.json is missing, damaged, or of a newer"
                    " inbox3d; its files are untouched"
                )
        return row

    def _named(self, row: Row | None) -> Row | None:
        return row and self.given.on(row)

    def _look_at_labels(self, changed: list[str]) -> None:
        """Rows of the jobs whose name or tags CHANGED."""
        for id in changed:
            if place := lifecycle.find(self.atlas, id):
                self.note(place)

    def label(self, id: str, labels: Labels) -> None:
        """A request gave job ID its LABELS."""
        self.given.put(id, labels)
        with contextlib.suppress(SQLAlchemyError):
            self._look_at_labels([id])

    def _look_for(self, id: str) -> None:
        """A job that is in no active folder any more: asked for by name, and forgotten only after
        several looks."""
        place = lifecycle.find(self.atlas, id)
        if place and place.state in AT_REST and (row := self._read(place)):
            self.known.write([row])
            return
        self._missing[id] = self._missing.get(id, 0) + 1
        if self._missing[id] >= 3 and place is None:
            self.known.forget([id])

    # -- told by a request ---------------------------------------------------------------------
    def note(self, place: Place) -> Row | None:
        """Read PLACE at once: the request that moved it does not wait for the next look, nor for an
        index that does not answer."""
        row = None
        try:
            row = self._named(rows.read(self.atlas, place))
            if row:
                self.known.load()
                self.known.write([row])
        except (OSError, SQLAlchemyError) as error:
            log.warning("note.failed job=%s what=%s", place.id, str(error).partition("\n")[0])
        return row

    def forget(self, id: str) -> None:
        """A request deleted job ID. An index that does not answer hears of it at a later look."""
        try:
            self.known.load()
            self.known.forget([id])
        except SQLAlchemyError as error:
            log.warning("forget.failed job=%s what=%s", id, str(error).partition("\n")[0])

    # -- who works -----------------------------------------------------------------------------
    def workers(self) -> list[Heartbeat]:
        return [beat for beat in self.observer.live() if beat.role == "worker"]

    def queues(self) -> dict[str, int]:
        served: dict[str, int] = {}
        for beat in self.workers():
            for queue in beat.queues:
                served[queue] = served.get(queue, 0) + 1
        return served
