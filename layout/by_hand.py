"""The edges that a person takes, with the mouse, the API or the command line: retry (h), cancel (i)
and delete (j)."""

from __future__ import annotations

from pathlib import Path

from layout.cancelled import is_own
from layout.edges import permit
from layout.mend import has_input, readable_job
from layout.move import WrongState, gone, move
from layout.tree import Atlas, Place, State


def retry(atlas: Atlas, place: Place) -> Place:
    """h: a failed job goes back to inbox/ and is accepted anew. A name that bears n keeps it:
    job.json may not know that start."""
    permit("h", place)
    goal = atlas.at_inbox(place.path.name.lstrip(".") if "@" in place.path.name else place.id)
    move(atlas, place.path, goal.path)
    return goal


def cancel(atlas: Atlas, place: Place) -> Place:
    """i: under whatever name to failed/; ``tidy`` gives it its plain name and the reason.

    A shell without job.json is left to the intake that fills it: Gone, ask again in a moment.
    """
    permit("i", place)
    if place.state is State.INBOX and not is_own(atlas, place):
        raise WrongState(f"{place.path.name} in inbox/ is no job yet: take it away there")
    if place.hidden and (
        readable_job(atlas, place.path) is None or not has_input(atlas, place.path)
    ):
        raise gone(atlas, place.path)
    target = atlas.failed / place.path.name.lstrip(".")
    move(atlas, place.path, target)
    return place._replace(state=State.FAILED, path=target, queue=None, worker=None, hidden=False)


def delete(atlas: Atlas, place: Place) -> Path:
    """j: to trash/, where it is kept for 30 days."""
    permit("j", place)
    target = atlas.trash_name(place.id)
    move(atlas, place.path, target)
    return target
