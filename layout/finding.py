"""Where a job stands now, by its id."""

from __future__ import annotations

from layout import names
from layout.tree import Atlas, Place, State


def find(atlas: Atlas, id: str) -> Place | None:
    """Where job ID stands: two looks in lifecycle order, since it may move between two listings.

    A folder in inbox/ comes last: beside another one of its id it is a person's copy. done/, which
    only grows, is not listed at first.
    """
    if not names.is_id(id):
        return None
    return _look(atlas, id, (State.FAILED,)) or _look(atlas, id, (State.FAILED, State.DONE))


def _look(atlas: Atlas, id: str, ended: tuple[State, ...]) -> Place | None:
    waiting = [place for place in atlas.places(State.INBOX) if place.id == id]
    for state in (State.CLAIMED, State.PROCESSING):
        for place in atlas.places(state):
            if place.id == id:
                return place
    for place in (atlas.at_done(id), atlas.at_failed(id)):
        if atlas.disk.lstat(place.path) is not None:
            return place
    found = [place for state in ended for place in atlas.places(state) if place.id == id]
    return next(iter(found + waiting), None)
