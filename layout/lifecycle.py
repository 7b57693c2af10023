"""The lifecycle: one verb for each edge between a job's states.

Read EDGES in layout/edges.py first: it is the whole state machine. Callers take every verb from
here: those at the door are written in ``claiming``, a person's in ``by_hand``, a worker's and a
reaper's below. All go through ``move``. The instant of the rename is the instant at which the edge
has happened; whatever must be written for it is written before (an error before f) or can be
written again by anybody (the start into job.json after c).

What a dead process leaves behind, and what ``due`` says of a folder in processing/ (in this order):

    job.json is damaged, input/ is there, or
    it is a copy of a job that stands elsewhere → back behind the dot, to be accepted anew
    job.json or input/ is gone                 → fail, "files were deleted"
    output/ verifies, made of what stands here → finish
    crashes of this run ≥ max                  → fail as poison
    else                                       → release to the first leg that is not in work/ under
    its key

Rules that keep it right on NFS and SMB: decide by doing (rename), never by looking; the target of a
contended edge is a name that only this actor can make, so a rename that reports an error is settled
by looking for the target; the path is the fencing token, so whoever lost a job finds its path gone
(Gone) and drops the work; n, the number of starts, is never reused.
"""

from __future__ import annotations

from pathlib import Path

from layout import names, tree
from layout.by_hand import cancel, delete, restore, retry, trashed
from layout.cancelled import recognise, tidy
from layout.claiming import claim_drop, claim_job, refuse, reveal
from layout.copies import is_copy, stands_elsewhere
from layout.due import Due, due, first_leg
from layout.edges import ANEW, EDGES, REFUSED, Edge, permit
from layout.finding import find
from layout.manifest import ErrorFile, JobFile, Outcome, now, write_job
from layout.mend import (
    discard,
    discard_empty,
    discard_work,
    hush,
    keep_job,
    readable_job,
    set_aside,
    write_error,
)
from layout.move import Gone, Occupied, WrongState, gone, holding, land, move
from layout.promote import verify
from layout.sealing import seal, unseal
from layout.tree import Atlas, Place, State

__all__ = [
    "ANEW",
    "EDGES",
    "REFUSED",
    "Due",
    "Edge",
    "Gone",
    "Occupied",
    "WrongState",
    "submit",
    "claim_drop",
    "claim_job",
    "reveal",
    "refuse",
    "start",
    "record_start",
    "release",
    "hand_on",
    "finish",
    "fail",
    "seize",
    "retry",
    "cancel",
    "delete",
    "restore",
    "trashed",
    "requeue",
    "accept_anew",
    "recognise",
    "tidy",
    "due",
    "first_leg",
    "keep_job",
    "set_aside",
    "discard",
    "discard_empty",
    "discard_work",
    "readable_job",
    "write_error",
    "find",
]


# -- edges -------------------------------------------------------------------------------------
def submit(atlas: Atlas, draft: Path) -> Place:
    """a: a finished draft becomes a sealed job in inbox/."""
    if draft.parent != atlas.drafts or not names.is_id(draft.name):
        raise WrongState(f"{draft} is no draft: drafts/<id>")
    place = atlas.at_inbox(draft.name)
    move(atlas, draft, place.path)
    return place


def start(atlas: Atlas, place: Place, worker: str) -> Place:
    """c: take a waiting job as start n+1. Whoever renames first has it; Gone tells everyone
    else."""
    permit("c", place)
    if place.hidden:
        raise WrongState(f"{place.path.name} is still being accepted")
    held = atlas.at_processing(place.id, worker, place.n + 1)
    move(atlas, place.path, held.path)
    return held


def record_start(atlas: Atlas, place: Place) -> JobFile:
    """Write start n into job.json, first thing after c. Gone when the folder is empty-handed
    (deleted under us)."""
    with holding(atlas, place):
        job = readable_job(atlas, place.path)
        if job is None:
            raise gone(atlas, place.path)
        job.note_start(place.n, worker=str(place.worker), at=now())
        write_job(atlas.disk, place.path, job)
    return job


def release(
    atlas: Atlas, place: Place, queue: str, noted: str | None, outcome: Outcome = Outcome.RELEASED
) -> Place:
    """g: back to claimed/. NOTED says in words, OUTCOME to programs, why the start is no crash;
    without NOTED it counts as one."""
    permit("g", place)
    with holding(atlas, place):
        hush(atlas, place.path)
    return _back(atlas, place, queue, noted, outcome)


def _back(atlas: Atlas, place: Place, queue: str, noted: str | None, outcome: Outcome) -> Place:
    with holding(atlas, place):
        job = readable_job(atlas, place.path)
        if job is None:
            raise gone(atlas, place.path)
        set_aside(atlas, place.path, place.n, (tree.OUTPUT, tree.ERROR, tree.ERROR_TEXT))
        job.note_start(
            place.n, ended=now(), **({"noted": noted, "outcome": outcome} if noted else {})
        )
        write_job(atlas.disk, place.path, job)
    goal = atlas.at_claimed(place.id, queue, place.n)
    move(atlas, place.path, goal.path)
    return goal


def hand_on(atlas: Atlas, place: Place, queue: str) -> Place:
    """d: the leg's artefacts stand in work/; the next queue's workers go on. progress.json stays
    and says what it waits for."""
    permit("d", place)
    return _back(atlas, place, queue, f"handed on to {queue}", Outcome.HANDED_ON)


def finish(atlas: Atlas, place: Place) -> Place:
    """e: output/ stands whole; the job is done. work/ goes to trash/ first, and where people may
    only read done/ they may only read the job."""
    permit("e", place)
    goal = atlas.at_done(place.id)
    try:
        with holding(atlas, place):
            set_aside(atlas, place.path, place.n, (tree.ERROR, tree.ERROR_TEXT))
            hush(atlas, place.path)
            discard_work(atlas, place.path, place.id, place.n)
            seal(atlas, place)
        return land(atlas, place, goal)
    except Gone:
        # an earlier try whose reply was lost, or the reaper: no matter who
        if atlas.disk.seen(goal.path):
            return goal
        raise


def fail(atlas: Atlas, place: Place, error: ErrorFile) -> Place:
    """f: n, error.txt and error.json are written, then the folder goes to failed/."""
    permit("f", place)
    with holding(atlas, place):
        job = readable_job(atlas, place.path)
        broken = not verify(atlas.disk, place.path / tree.OUTPUT)
        set_aside(atlas, place.path, place.n, (tree.OUTPUT,) if broken else ())
        hush(atlas, place.path)
        # a retry counts on from here
        if job is not None and all(start.n != place.n for start in job.starts):
            job.note_start(place.n, worker=str(place.worker))
            write_job(atlas.disk, place.path, job)
        write_error(atlas, place.path, error, job)
        unseal(atlas, place)
    return land(atlas, place, atlas.at_failed(place.id))


def seize(atlas: Atlas, place: Place, reaper: str) -> Place:
    """s: a dead worker's folder gets the reaper's name; only afterwards may the reaper look
    inside."""
    permit("s", place)
    held = atlas.at_processing(place.id, reaper, place.n)
    if held.path != place.path:
        move(atlas, place.path, held.path)
    return held


def requeue(atlas: Atlas, place: Place, queue: str) -> Place:
    """Correct a queue that no recipe knows, or that is not the job's: it stays in claimed/ under
    the right name."""
    permit("c", place)
    goal = atlas.at_claimed(place.id, queue, place.n, hidden=place.hidden)
    move(atlas, place.path, goal.path)
    return goal


def accept_anew(atlas: Atlas, place: Place) -> Place:
    """A job whose job.json is damaged or missing goes back behind the dot (from processing/: g),
    where any intake identifies it anew. So does a person's copy of a job, under an id of its own;
    without its job.json it is one if another folder bears the id."""
    permit("c" if place.state is State.CLAIMED else "g", place)
    job = readable_job(atlas, place.path)
    copy = is_copy(atlas, place, job) if job else stands_elsewhere(atlas, place)
    id, n = (names.new_id(place.id.rpartition("-")[0]), 0) if copy else (place.id, place.n)
    shell = atlas.at_claimed(id, ANEW, n, hidden=True)
    move(atlas, place.path, shell.path)
    return shell
