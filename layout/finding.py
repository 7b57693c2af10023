"""Where a job stands now, by its id."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from layout import names
from layout.manifest import NewerFormat, Unreadable, read_job
from layout.tree import Atlas, Place, State


def find(atlas: Atlas, id: str) -> Place | None:
    """Where job ID stands: two looks in lifecycle order, since it may move between two listings.

    A folder in inbox/ comes last: beside another one of its id it is a person's copy. So is one in
    done/ or failed/ without the job's own job.json, while another one there has it. done/, which
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
    plain = [
        place
        for place in (atlas.at_done(id), atlas.at_failed(id))
        if atlas.disk.lstat(place.path) is not None
    ]
    if (own := _own(atlas, plain)) is not None:
        return own
    states = dict.fromkeys((*ended, *(place.state for place in plain)))  # in this very order
    found = plain + [place for state in states for place in atlas.places(state) if place.id == id]
    return _own(atlas, found) or next(iter(found + waiting), None)


def _own(atlas: Atlas, places: Sequence[Place]) -> Place | None:
    """The first of PLACES that its own job.json, and none that was copied there, calls by that
    id."""
    for place in places:
        with contextlib.suppress(OSError, Unreadable, NewerFormat):
            job, there = read_job(atlas.disk, place.path), atlas.disk.lstat(place.path)
            if job and there and job.id == place.id and job.inode in (None, there.st_ino):
                return place
    return None
