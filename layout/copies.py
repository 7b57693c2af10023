"""Move or copy? A rename keeps a folder's inode, a copy cannot. Two folders of one id would give
two results of one job."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence

from layout.manifest import JobFile
from layout.move import gone
from layout.tree import Atlas, Place, State


def is_moved(atlas: Atlas, job: JobFile, found: os.stat_result) -> bool:
    """Whether the folder with the attributes FOUND is the one that JOB was written for; where
    inodes change nothing can be told."""
    return job.inode in (None, found.st_ino) or atlas.identity().inodes == "changing"


def bearers(atlas: Atlas, id: str, states: Sequence[State] = tuple(State)) -> Iterator[Place]:
    """Folders in STATES that bear ID. That there is none needs two looks: a listing may lack one,
    and one may go back to a state that was listed before."""
    for _ in range(2):
        for state in states:
            yield from (place for place in atlas.places(state) if place.id == id)


def borne_twice(atlas: Atlas) -> frozenset[str]:
    """Ids that a folder in failed/ bears and another folder too, by their names alone: one of them
    may be a person's copy that brought its error.txt along."""
    failed = Counter(place.id for place in atlas.places(State.FAILED))
    if not failed:
        return frozenset()
    others = {*atlas.names(State.INBOX), *atlas.names(State.DONE)}
    for state in (State.CLAIMED, State.PROCESSING):
        others |= {place.id for place in atlas.places(state)}
    return frozenset(id for id, count in failed.items() if count > 1 or id in others)


def stands_elsewhere(atlas: Atlas, place: Place) -> bool:
    """Does another folder bear PLACE's id? An old listing may still show this one where it stood
    before, and attributes may be an old "no such file": then a fresh listing decides."""
    own = atlas.disk.lstat(place.path)
    return any(
        own is None or found.st_ino != own.st_ino
        if (found := atlas.disk.lstat(other.path)) is not None
        else atlas.disk.seen(other.path)
        for other in bearers(atlas, place.id)
        if other.path != place.path
    )


def is_copy(atlas: Atlas, place: Place, job: JobFile) -> bool:
    """Is the folder at PLACE a person's copy of JOB, which still stands elsewhere? One that is the
    only one left, of a restored tree say, goes on under its id. A copy that had got an id of its
    own, but not yet the name, is one still. Gone where it is not seen."""
    named = job.id == place.id and is_moved(atlas, job, attributes(atlas, place))
    return not named and stands_elsewhere(atlas, place)


def attributes(atlas: Atlas, place: Place) -> os.stat_result:
    """PLACE's attributes; Gone where two looks do not see it, for without its inode a copy cannot
    be told from a move."""
    found = atlas.disk.lstat(place.path) or atlas.disk.lstat(place.path)
    if found is None:
        raise gone(atlas, place.path)
    return found
