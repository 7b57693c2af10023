"""A folder that a person dragged to failed/: it gets its plain name, that of a job of its own where
it is a copy, and a reason."""

from __future__ import annotations

import contextlib

from layout import names, tree
from layout.copies import attributes, is_copy, is_moved, stands_elsewhere
from layout.manifest import ErrorFile, JobFile, Outcome, Source, now, write_job
from layout.mend import hush, keep_job, readable_job, set_aside, write_error
from layout.move import Gone, gone, holding, land, move, there
from layout.tree import Atlas, Place, State


def tidy(atlas: Atlas, place: Place, message: str = "Cancelled by a person.") -> Place | None:
    """Give a folder in failed/ its plain name and a reason. Its place; None where it holds no job
    or moved away meanwhile."""
    with contextlib.suppress(Gone), holding(atlas, place):
        job = readable_job(atlas, place.path) or _without_job(atlas, place)
        if job is None:
            return None
        told = "@" not in place.path.name and there(atlas.disk, place.path / tree.ERROR_TEXT)
        # a copy may have brought its reason along, and have got its id but not yet its name
        if told and job.id == place.id and not is_copy(atlas, place, job):
            return place
        return _tidied(atlas, place, _own_id(atlas, place, job), message)
    return None


def recognise(atlas: Atlas, name: str) -> Place | None:
    """failed/NAME, a job that a person cancelled under a name of their own, gets a working name
    again, so that ``tidy`` can do the rest.

    None where it holds no job, or where error.txt shows that it was tidied before.
    """
    path = atlas.failed / name
    job = readable_job(atlas, path)
    if job is None or not names.is_id(job.id) or there(atlas.disk, path / tree.ERROR_TEXT):
        return None
    n = max([job.accepted.n if job.accepted else 0, *(start.n for start in job.starts)])
    target = atlas.failed / names.claimed_name(job.id, "cancelled", n)
    move(atlas, path, target)
    return Place(State.FAILED, target, job.id, n)


def _tidied(atlas: Atlas, place: Place, job: JobFile, message: str) -> Place:
    if job.id != place.id and "@" not in place.path.name:
        # its own name before its reason: else a kill in between leaves it under the other's id
        write_job(atlas.disk, place.path, job)
        named = atlas.failed / names.claimed_name(job.id, "cancelled", place.n)
        move(atlas, place.path, named)
        place = Place(State.FAILED, named, job.id, place.n)
    renamed = "@" in place.path.name or job.id != place.id
    if renamed:
        if place.n > (job.accepted.n if job.accepted else 0):
            job.note_start(place.n, noted="cancelled", outcome=Outcome.CANCELLED)
        set_aside(atlas, place.path, place.n, ())
        write_job(atlas.disk, place.path, job)
    hush(atlas, place.path)
    remedy = "Nothing, unless it was a mistake."
    error = ErrorFile(error="Cancelled", who="submitter", message=message, remedy=remedy, n=place.n)
    write_error(atlas, place.path, error, job)
    return land(atlas, place, atlas.at_failed(job.id)) if renamed else place


def _own_id(atlas: Atlas, place: Place, job: JobFile) -> JobFile:
    """JOB, under a new id where the inode shows that a person copied the folder here: the first one
    still bears the old id."""
    if not names.is_id(job.id):
        return job.model_copy(update={"id": place.id})
    found = attributes(atlas, place)
    if is_moved(atlas, job, found):
        return job
    return job.model_copy(
        update={
            "id": names.new_id(job.source.name),
            "copy_of": job.id,
            "inode": found.st_ino,
            "accepted": None,
            "starts": [],
        }
    )


def is_own(atlas: Atlas, place: Place) -> bool:
    """Is the folder at PLACE the very job whose id it bears, or a person's copy of it (or no job at
    all)?"""
    found = attributes(atlas, place)
    job = readable_job(atlas, place.path)
    if job is None and not there(atlas.disk, place.path):
        raise gone(atlas, place.path)
    return job is not None and job.id == place.id and is_moved(atlas, job, found)


def _without_job(atlas: Atlas, place: Place) -> JobFile | None:
    """A folder that bears a job's working name but holds no job.json (dragged away while it was
    accepted, or deleted while it ran) gets one without a kind; an unreadable one goes to
    earlier/<n>/."""
    if "@" not in place.path.name:
        return None
    keep_job(atlas, place.path, place.n)
    name = place.id.rpartition("-")[0]
    source = Source(name=name, origin="share", at=now())
    # without job.json a copy that was cut short cannot be told from a move
    id = names.new_id(name) if stands_elsewhere(atlas, place) else place.id
    copy_of = place.id if id != place.id else None
    return JobFile(id=id, source=source, inode=attributes(atlas, place).st_ino, copy_of=copy_of)
