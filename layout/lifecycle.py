"""The lifecycle: a job's state is the folder it stands in, and every edge between states is ONE
rename.

    inbox/ ──b──▶ claimed/ ──c──▶ processing/ ──e──▶ done/
      ▲  a (drafts/)  ▲──── d, g ────┘ │  ↺ s    └──f──▶ failed/ ──h──▶ inbox/

Read EDGES first: it is the whole state machine. Each verb below is one edge; all go through
``move``. The instant of the rename is the instant at which the edge has happened; whatever must be
written for it is written before (an error before f) or can be written again by anybody (the start
into job.json after c).

What a dead process leaves behind, and what ``due`` says of a folder in processing/ (in this order):

    job.json is damaged, input/ is there       → back behind the dot, to be accepted anew
    job.json or input/ is gone                 → fail, "deleted while it ran"
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
from typing import NamedTuple

from layout import names, tree
from layout.manifest import ErrorFile, JobFile, Outcome, now, write_job
from layout.mend import (
    Due,
    discard,
    discard_empty,
    due,
    first_leg,
    has_input,
    hush,
    is_own,
    keep_error,
    readable_job,
    recognise,
    set_aside,
    tidy,
    write_error,
)
from layout.move import Gone, Occupied, WrongState, gone, holding, land, move
from layout.promote import verify
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
    "requeue",
    "accept_anew",
    "recognise",
    "tidy",
    "due",
    "first_leg",
    "set_aside",
    "discard",
    "discard_empty",
    "readable_job",
    "write_error",
    "find",
]


class Edge(NamedTuple):
    """One row of the state machine. SOURCE, TARGET and WHO are for people; LEAVES and ENTERS are
    what the code goes by (None: the edge begins or ends in .pipeline/)."""

    letter: str
    verb: str
    source: str
    target: str
    who: str
    leaves: frozenset[State]
    enters: State | None


def _edge(
    letter: str,
    verb: str,
    source: str,
    target: str,
    who: str,
    leaves: tuple[State, ...],
    enters: State | None,
) -> Edge:
    return Edge(letter, verb, source, target, who, frozenset(leaves), enters)


_INBOX, _CLAIMED, _PROCESSING, _DONE, _FAILED = State


EDGES: tuple[Edge, ...] = (
    _edge("a", "submit", ".pipeline/drafts/<id>", "inbox/<id>", "web layer, CLI", (), _INBOX),
    _edge(
        "b",
        "claim",
        "inbox/<x>",
        "claimed/.<id>@<queue>.<n>, then without the dot",
        "the intake of any host",
        (_INBOX,),
        _CLAIMED,
    ),
    _edge(
        "r",
        "refuse",
        "claimed/.<id>@refused.<n>",
        "failed/<id>",
        "the intake of any host",
        (_CLAIMED,),
        _FAILED,
    ),
    _edge(
        "c",
        "start",
        "claimed/<id>@<queue>.<n>",
        "processing/<id>@<worker>.<n+1>",
        "one worker",
        (_CLAIMED,),
        _PROCESSING,
    ),
    _edge(
        "d",
        "hand on",
        "processing/<id>@<worker>.<n>",
        "claimed/<id>@<next queue>.<n>",
        "that worker",
        (_PROCESSING,),
        _CLAIMED,
    ),
    _edge(
        "e",
        "finish",
        "processing/<id>@<own name>.<n>",
        "done/<id>",
        "the holder of the path",
        (_PROCESSING,),
        _DONE,
    ),
    _edge(
        "f",
        "fail",
        "processing/<id>@<own name>.<n>",
        "failed/<id>",
        "the holder of the path",
        (_PROCESSING,),
        _FAILED,
    ),
    _edge(
        "g",
        "release",
        "processing/<id>@<own name>.<n>",
        "claimed/<id>@<first leg not in work/>.<n>",
        "the holder of the path",
        (_PROCESSING,),
        _CLAIMED,
    ),
    _edge(
        "s",
        "seize",
        "processing/<id>@<dead>.<n>",
        "processing/<id>@<reaper>.<n>",
        "a reaper",
        (_PROCESSING,),
        _PROCESSING,
    ),
    _edge(
        "h",
        "retry",
        "failed/<id>",
        "inbox/<id>",
        "a person with the mouse, API, CLI",
        (_FAILED,),
        _INBOX,
    ),
    _edge(
        "i",
        "cancel",
        "inbox, claimed or processing",
        "failed/, under whatever name",
        "a person with the mouse, API, CLI",
        (_INBOX, _CLAIMED, _PROCESSING),
        _FAILED,
    ),
    _edge(
        "j",
        "delete",
        "done/<id> or failed/<id>",
        ".pipeline/trash/",
        "API or CLI, admin scope",
        (_DONE, _FAILED),
        None,
    ),
)

REFUSED = "refused"  # the queue name under which a refused drop is claimed; no recipe may use it
ANEW = "anew"  # the one under which a job is identified anew; no recipe may use it either
_ROW = {edge.letter: edge for edge in EDGES}


def _leave(letter: str, place: Place) -> None:
    """WrongState unless edge LETTER leaves from the state that PLACE is in."""
    if place.state not in _ROW[letter].leaves:
        raise WrongState(
            f"{place.path.name} stands in {place.state}/; edge {letter} ({_ROW[letter].verb})"
            f" leaves from {_ROW[letter].source}"
        )


# -- edges -------------------------------------------------------------------------------------
def submit(atlas: Atlas, draft: Path) -> Place:
    """a: a finished draft becomes a sealed job in inbox/."""
    if draft.parent != atlas.drafts or not names.is_id(draft.name):
        raise WrongState(f"{draft} is no draft: drafts/<id>")
    place = atlas.at_inbox(draft.name)
    move(atlas, draft, place.path)
    return place


def claim_drop(atlas: Atlas, name: str, queue: str, id: str | None = None) -> Place:
    """b for a raw drop: it keeps its own name below input/ of a hidden shell. ``queue`` is REFUSED
    for one that is refused."""
    plain = names.without_go(name)
    disk, shell = (
        atlas.disk,
        atlas.at_claimed(id or names.new_id(Path(plain).stem), queue, 0, hidden=True),
    )
    inside = shell.path / tree.INPUT
    with holding(atlas, shell):
        disk.mkdir(shell.path)
    try:
        with holding(atlas, shell):
            disk.mkdir(inside)
        move(atlas, atlas.inbox / name, inside / plain)
    except (Gone, OSError):
        discard_empty(atlas, shell)
        raise
    return shell


def claim_job(atlas: Atlas, name: str, queue: str, id: str, n: int) -> Place:
    """b for a job folder that stands in inbox/ (sealed, or dragged back): its name becomes the
    hidden shell's."""
    shell = atlas.at_claimed(id, queue, n, hidden=True)
    move(atlas, atlas.inbox / name, shell.path)
    return shell


def reveal(atlas: Atlas, shell: Place) -> Place:
    """b, its end: the dot goes, the job waits for its queue."""
    if not shell.hidden or shell.queue == REFUSED:
        raise WrongState(f"{shell.path.name} is not a shell that is being accepted")
    place = atlas.at_claimed(shell.id, str(shell.queue), shell.n)
    move(atlas, shell.path, place.path)
    return place


def refuse(atlas: Atlas, shell: Place, job: JobFile, error: ErrorFile) -> Place:
    """r: job.json (kind null), error.txt and error.json are written, then the shell goes to
    failed/."""
    if not shell.hidden:
        raise WrongState(f"{shell.path.name} was accepted already")
    # its own name first, so that nobody who still accepts it can drop the dot
    if shell.queue != REFUSED:
        refused = atlas.at_claimed(shell.id, REFUSED, shell.n, hidden=True)
        move(atlas, shell.path, refused.path)
        shell = refused
    with holding(atlas, shell):
        keep_error(atlas, shell.path, shell.n)
        set_aside(
            atlas,
            shell.path,
            shell.n,
            [name for name in tree.OF_ONE_RUN if name not in (tree.ERROR, tree.ERROR_TEXT)],
        )
        write_job(atlas.disk, shell.path, job.model_copy(update={"kind": None}))
        write_error(atlas, shell.path, error, job)
    return land(atlas, shell, atlas.at_failed(shell.id))


def start(atlas: Atlas, place: Place, worker: str) -> Place:
    """c: take a waiting job as start n+1. Whoever renames first has it; Gone tells everyone
    else."""
    _leave("c", place)
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
    _leave("g", place)
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
    _leave("d", place)
    return _back(atlas, place, queue, f"handed on to {queue}", Outcome.HANDED_ON)


def finish(atlas: Atlas, place: Place) -> Place:
    """e: output/ stands whole; the job is done. work/ goes to trash/ first."""
    _leave("e", place)
    goal = atlas.at_done(place.id)
    try:
        with holding(atlas, place):
            set_aside(atlas, place.path, place.n, (tree.ERROR, tree.ERROR_TEXT))
            hush(atlas, place.path)
            discard(atlas, place.path / tree.WORK, f"{place.id}-work")
        return land(atlas, place, goal)
    except Gone:
        # an earlier try whose reply was lost, or the reaper: no matter who
        if atlas.disk.seen(goal.path):
            return goal
        raise


def fail(atlas: Atlas, place: Place, error: ErrorFile) -> Place:
    """f: n, error.txt and error.json are written, then the folder goes to failed/."""
    _leave("f", place)
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
    return land(atlas, place, atlas.at_failed(place.id))


def seize(atlas: Atlas, place: Place, reaper: str) -> Place:
    """s: a dead worker's folder gets the reaper's name; only afterwards may the reaper look
    inside."""
    _leave("s", place)
    held = atlas.at_processing(place.id, reaper, place.n)
    if held.path != place.path:
        move(atlas, place.path, held.path)
    return held


def retry(atlas: Atlas, place: Place) -> Place:
    """h: a failed job goes back to inbox/ and is accepted anew. A name that bears n keeps it:
    job.json may not know that start."""
    _leave("h", place)
    goal = atlas.at_inbox(place.path.name.lstrip(".") if "@" in place.path.name else place.id)
    move(atlas, place.path, goal.path)
    return goal


def cancel(atlas: Atlas, place: Place) -> Place:
    """i: under whatever name to failed/; ``tidy`` gives it its plain name and the reason.

    A shell without job.json is left to the intake that fills it: Gone, ask again in a moment.
    """
    _leave("i", place)
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
    _leave("j", place)
    target = atlas.trash_name(place.id)
    move(atlas, place.path, target)
    return target


def requeue(atlas: Atlas, place: Place, queue: str) -> Place:
    """Correct a queue that no recipe knows, or that is not the job's: it stays in claimed/ under
    the right name."""
    _leave("c", place)
    goal = atlas.at_claimed(place.id, queue, place.n, hidden=place.hidden)
    move(atlas, place.path, goal.path)
    return goal


def accept_anew(atlas: Atlas, place: Place) -> Place:
    """A job whose job.json is damaged or missing goes back behind the dot (from processing/: g),
    where any intake identifies it anew."""
    _leave("c" if place.state is State.CLAIMED else "g", place)
    shell = atlas.at_claimed(place.id, ANEW, place.n, hidden=True)
    move(atlas, place.path, shell.path)
    return shell


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
