"""The edges that a person takes, with the mouse, the API or the command line: retry (h), cancel
(i), delete (j) and restore (k)."""

from __future__ import annotations

import errno
from pathlib import Path

from layout import names
from layout.cancelled import is_own, tidy
from layout.edges import permit
from layout.finding import find
from layout.mend import has_input, readable_job
from layout.move import Occupied, WrongState, gone, move, there
from layout.tree import ERROR, ERROR_TEXT, OUTPUT, Atlas, Place, State


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
    """j: to trash/, where it is kept for 30 days. What was dragged to failed/ and still bears a
    working name is tidied first: its n stands nowhere else, and trash/ names it by its id."""
    permit("j", place)
    if place.state is State.FAILED and "@" in place.path.name:
        place = tidy(atlas, place) or place
    target = atlas.trash_name(place.id)
    move(atlas, place.path, target)
    return target


def restore(atlas: Atlas, trashed: Path) -> Place:
    """k: a deleted job goes back to done/ where it has a result and tells of no error, else to
    failed/: one that was dragged there and deleted at once tells of nothing yet. Occupied where a
    job of that id stands anywhere."""
    id = names.trashed_id(trashed.name)
    if trashed.parent != atlas.trash or id is None:
        raise WrongState(f"{trashed.name} is no deleted job; edge k leaves from trash/")
    failed = _holds(atlas, trashed, ERROR, ERROR_TEXT) or not _holds(atlas, trashed, OUTPUT)
    goal = atlas.at_failed(id) if failed else atlas.at_done(id)
    # a copy that was dropped meanwhile may go by that id, wherever it has come to
    other = find(atlas, id)
    if other is not None and other.path != goal.path and there(atlas.disk, trashed):
        where = other.path.relative_to(atlas.root)
        raise Occupied(errno.EEXIST, f"{where} is already there, under the same id")
    move(atlas, trashed, goal.path)
    return goal


def _holds(atlas: Atlas, folder: Path, *own: str) -> bool:
    """Does FOLDER hold one of OWN? By a listing and by name: either may be stale, and a failed job
    must not come to done/. Gone where it cannot be listed: that tells nothing."""
    try:
        listed = any(entry.name in own for entry in atlas.disk.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        raise gone(atlas, folder) from None
    return listed or any(atlas.disk.lstat(folder / name) is not None for name in own)


def trashed(atlas: Atlas) -> list[tuple[str, str, Path]]:
    """(day of its deletion, id, folder) of every job in trash/, the latest first."""
    found = []
    for entry in atlas.disk.scandir(atlas.trash):
        if entry.is_dir and (id := names.trashed_id(entry.name)):
            found.append((entry.name.partition("~")[0], id, atlas.trash / entry.name))
    return sorted(found, reverse=True)
