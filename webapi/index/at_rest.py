"""Jobs that have ended. done/ and failed/ may hold a hundred thousand: they are listed when the
folder itself changed, and once a minute in any case, since a share's attributes may be old."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from layout import lifecycle, names
from layout.attention import Attention, Waits
from layout.disk import Entry
from layout.tree import Atlas, Place, State
from webapi.index.known import Known
from webapi.index.schema import Row

log = logging.getLogger(__name__)

LIST_ANYWAY, SPARE, BATCH = 60.0, 3.0, 500


class AtRest:
    """Keeps what is KNOWN of ended jobs like the tree. READ gives the row of a place, or None where
    it has none."""

    def __init__(
        self, atlas: Atlas, known: Known, attention: Attention, read: Callable[[Place], Row | None]
    ) -> None:
        self.atlas, self.known, self.attention, self.read = atlas, known, attention, read
        self._marks: dict[State, tuple[int, float]] = {}

    def begin_anew(self) -> None:
        """List everything at the next look."""
        self._marks.clear()

    def look(self, state: State) -> None:
        folder = self.atlas.root / state
        found = self.atlas.disk.lstat(folder)
        mark, (old, when) = (
            found.st_mtime_ns if found else 0,
            self._marks.get(state, (-1, float("-inf"))),
        )
        age = time.monotonic() - when
        if not (age > LIST_ANYWAY or (mark != old and age > SPARE)):
            return
        present, known = set(self.atlas.names(state)), self.known.at_rest[state]
        # of a hundred thousand names all but a few are ids that are known: nothing is made of them
        with self.known.lock:
            renamed = {name for id, name in known.items() if name != id}
            gone = [(id, name) for id, name in known.items() if name not in present]
            odd = {name for name in present if known.get(name) != name}
        twins = {told[0] for name in odd if not names.is_id(name) and (told := names.named(name))}
        new = odd - renamed | (twins & present)
        places = [place for name in new if (place := self.atlas.place(state, Entry(name, True)))]
        self._index_new([place for place in places if not self._is_copy(place, twins)])
        if gone:
            self.known.forget(
                [id for id, name in gone if self.atlas.disk.lstat(folder / name) is None]
            )
        self._marks[state] = (mark, time.monotonic())

    def _is_copy(self, place: Place, twins: set[str]) -> bool:
        """A person copied a job's folder to where the job ended later: TWINS tells of which ids
        there is another folder. The copy is named, and its job's result is shown."""
        copied = False
        with self.attention.over(place.path):
            found = lifecycle.find(self.atlas, place.id) if place.id in twins else None
            if copied := found is not None and found.path != place.path:
                raise Waits(
                    f"it is a copy; the job itself stands in"
                    f" {found.path.relative_to(self.atlas.root)}. Take the copy away"
                )
        return copied

    def _index_new(self, places: list[Place]) -> None:
        for start in range(0, len(places), BATCH):
            found = (
                self.read(place)
                for place in places[start : start + BATCH]
                if not self._tidied_soon(place)
            )
            self.known.write([row for row in found if row])
            if len(places) > 2 * BATCH:
                log.info(
                    "index.filling done=%d of=%d", min(start + BATCH, len(places)), len(places)
                )

    @staticmethod
    def _tidied_soon(place: Place) -> bool:
        """In failed/ under its working name: its reason is not written yet."""
        return "@" in place.path.name
