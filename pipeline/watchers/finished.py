"""What stands in done/ without a result of its own is named: nobody works on it there."""

from __future__ import annotations

from layout import strangers
from layout.attention import Attention, Waits
from layout.disk import Entry
from layout.tree import Atlas, State
from pipeline.submission import job_view

NEW, AGAIN = 200, 100  # jobs looked at in one round: not seen whole yet; seen whole before

BY_HAND = {
    "NotFinished": "drag the folder to inbox/ to run it again, or delete it",
    "Merged": "drop its files anew, out of input/, which may hold those of both, and delete it",
}


class Finished:
    """Looks at the jobs in done/, of which there may be a hundred thousand: at new ones first, at
    those that had their result in turn, for people can reach them."""

    def __init__(self, atlas: Atlas, attention: Attention) -> None:
        self.atlas, self.attention = atlas, attention
        self._whole: set[str] = set()  # names that held their result when they were looked at last
        self._at = 0  # whose turn it is

    def look(self) -> None:
        listed = self.atlas.names(State.DONE)
        self._whole.intersection_update(listed)
        whole = [name for name in listed if name in self._whole]
        start = self._at % max(len(whole), 1)
        self._at = start + AGAIN
        for name in [*whole[start:], *whole[:start]][:AGAIN]:
            self._judge(Entry(name, True))
        if len(whole) < len(listed):
            found = [e for e in self.atlas.entries(State.DONE) if e.name not in self._whole]
            places = [entry for entry in found if self.atlas.place(State.DONE, entry)]
            for entry in sorted(places)[:NEW]:
                self._judge(entry)

    def _judge(self, entry: Entry) -> None:
        place = self.atlas.place(State.DONE, entry)
        if place is None:
            return
        self._whole.discard(entry.name)
        with self.attention.over(place.path):
            if error := job_view.without_result(self.atlas, place):
                raise Waits(f"{error.message}; {BY_HAND[error.error]}")
            if slipped := strangers.inside(self.atlas, place):
                raise Waits(slipped)
            self._whole.add(entry.name)
