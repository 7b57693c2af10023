"""The lifecycle: a job's state is the folder it stands in, and every edge between states is ONE rename.

    inbox/ ──b──▶ claimed/ ──c──▶ processing/ ──e──▶ done/
      ▲  a (drafts/)  ▲──── d, g ────┘ │  ↺ s    └──f──▶ failed/ ──h──▶ inbox/

Read EDGES first: it is the whole state machine. Each verb below is one edge; all go through ``_move``. The instant of the rename
is the instant at which the edge has happened; whatever must be written for it is written before (an error before f) or can be
written again by anybody (the start into job.json after c).

What a dead process leaves behind, and what ``due`` says of a folder in processing/ (in this order):

    job.json or input/ is gone                 → fail, "deleted while it ran"
    output/ verifies against its checksums     → finish
    crashes of this run ≥ max                  → fail as poison
    else                                       → release to the first leg that is not in work/

Rules that keep it right on NFS and SMB: decide by doing (rename), never by looking; the target of a contended edge is a name that
only this actor can make, so a rename that reports an error is settled by looking for the target; the path is the fencing token,
so whoever lost a job finds its path gone (Gone) and drops the work; n, the number of starts, is never reused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from layout import names, tree
from layout.disk import LineFault
from layout.manifest import ErrorFile, JobFile, Unreadable, now, read_job, write_job
from layout.promote import verify
from layout.tree import Atlas, Place, State


class Edge(NamedTuple):
    letter: str
    verb: str
    source: str
    target: str
    who: str


EDGES: tuple[Edge, ...] = (
    Edge("a", "submit", ".pipeline/drafts/<id>", "inbox/<id>", "web layer, CLI"),
    Edge("b", "claim", "inbox/<x>", "claimed/.<id>@<queue>.<n>, then without the dot", "the intake of any host"),
    Edge("r", "refuse", "claimed/.<id>@refused.<n>", "failed/<id>", "the intake of any host"),
    Edge("c", "start", "claimed/<id>@<queue>.<n>", "processing/<id>@<worker>.<n+1>", "one worker"),
    Edge("d", "hand on", "processing/<id>@<worker>.<n>", "claimed/<id>@<next queue>.<n>", "that worker"),
    Edge("e", "finish", "processing/<id>@<own name>.<n>", "done/<id>", "the holder of the path"),
    Edge("f", "fail", "processing/<id>@<own name>.<n>", "failed/<id>", "the holder of the path"),
    Edge("g", "release", "processing/<id>@<own name>.<n>", "claimed/<id>@<first leg not in work/>.<n>", "the holder of the path"),
    Edge("s", "seize", "processing/<id>@<dead>.<n>", "processing/<id>@<reaper>.<n>", "a reaper"),
    Edge("h", "retry", "failed/<id>", "inbox/<id>", "a person with the mouse, API, CLI"),
    Edge("i", "cancel", "inbox, claimed or processing", "failed/, under whatever name", "a person with the mouse, API, CLI"),
    Edge("j", "delete", "done/<id> or failed/<id>", ".pipeline/trash/", "API or CLI, admin scope"),
)

REFUSED = "refused"  # the queue name under which a refused drop is claimed; no recipe may use it


class Gone(Exception):
    """The folder is not (or no longer) there: somebody else moved it. Nobody needs to act; the work is dropped."""


class Occupied(OSError):
    """A folder of that name stands there already. Operator: look at both; nothing was overwritten."""


def _move(atlas: Atlas, source: Path, target: Path) -> None:
    """Rename SOURCE to TARGET. Gone when neither is seen afterwards; an error whose target is seen was a lost reply.

    An existing target is never renamed onto: an empty directory would be replaced without a word.
    """
    disk = atlas.disk
    if disk.lstat(target) is not None:
        if disk.lstat(source) is None:
            return  # performed earlier, reply lost
        raise Occupied(0, f"{target.relative_to(atlas.root)} is already there")
    try:
        disk.rename(source, target)
    except OSError as error:
        if disk.seen(target) and not disk.seen(source):
            return
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            raise Gone(str(source.relative_to(atlas.root))) from None
        raise


# -- edges -----------------------------------------------------------------------------------------------------------------
def submit(atlas: Atlas, draft: Path) -> Place:
    """a: a finished draft becomes a sealed job in inbox/."""
    place = atlas.at_inbox(draft.name)
    _move(atlas, draft, place.path)
    return place


def claim_drop(atlas: Atlas, name: str, queue: str, id: str | None = None) -> Place:
    """b for a raw drop: it keeps its own name below input/ of a hidden shell. ``queue`` is REFUSED for one that is refused."""
    disk, shell = atlas.disk, atlas.at_claimed(id or names.new_id(names.without_go(Path(name).stem)), queue, 0, hidden=True)
    inside = shell.path / tree.INPUT
    disk.mkdir(shell.path)
    disk.mkdir(inside)
    try:
        _move(atlas, atlas.inbox / name, inside / names.without_go(name))
    except (Gone, OSError):
        discard_empty(atlas, shell)
        raise
    return shell


def claim_job(atlas: Atlas, name: str, queue: str, id: str, n: int) -> Place:
    """b for a job folder that stands in inbox/ (sealed, or dragged back): its name becomes the hidden shell's."""
    shell = atlas.at_claimed(id, queue, n, hidden=True)
    _move(atlas, atlas.inbox / name, shell.path)
    return shell


def reveal(atlas: Atlas, shell: Place) -> Place:
    """b, its end: the dot goes, the job waits for its queue."""
    place = atlas.at_claimed(shell.id, str(shell.queue), shell.n)
    _move(atlas, shell.path, place.path)
    return place


def refuse(atlas: Atlas, shell: Place, job: JobFile, error: ErrorFile) -> Place:
    """r: job.json (kind null), error.txt and error.json are written, then the shell goes to failed/."""
    write_job(atlas.disk, shell.path, job)
    return _fail(atlas, shell, error)


def start(atlas: Atlas, place: Place, worker: str) -> Place:
    """c: take a waiting job as start n+1. Whoever renames first has it; Gone tells everyone else."""
    held = atlas.at_processing(place.id, worker, place.n + 1)
    _move(atlas, place.path, held.path)
    return held


def record_start(atlas: Atlas, place: Place) -> JobFile:
    """Write start n into job.json, first thing after c. Gone when the folder is empty-handed (deleted under us)."""
    job = read_job(atlas.disk, place.path)
    if job is None:
        raise Gone(place.path.name)
    job.note_start(place.n, worker=place.worker, at=now())
    write_job(atlas.disk, place.path, job)
    return job


def release(atlas: Atlas, place: Place, queue: str, noted: str | None) -> Place:
    """g (and d, with the next queue): back to claimed/. NOTED says why the start is no crash; None lets it count as one."""
    _note_end(atlas, place, noted)
    goal = atlas.at_claimed(place.id, queue, place.n)
    _move(atlas, place.path, goal.path)
    return goal


def hand_on(atlas: Atlas, place: Place, queue: str) -> Place:
    """d: the leg's artefacts stand in work/; the next queue's workers go on."""
    return release(atlas, place, queue, f"handed on to {queue}")


def finish(atlas: Atlas, place: Place) -> Place:
    """e: output/ stands whole; the job is done. work/ goes to trash/ first."""
    discard(atlas, place.path / tree.WORK, f"{place.id}-work")
    return _land(atlas, place, atlas.at_done(place.id))


def fail(atlas: Atlas, place: Place, error: ErrorFile) -> Place:
    """f: error.txt and error.json are written, then the folder goes to failed/."""
    return _fail(atlas, place, error)


def seize(atlas: Atlas, place: Place, reaper: str) -> Place:
    """s: a dead worker's folder gets the reaper's name; only afterwards may the reaper look inside."""
    held = atlas.at_processing(place.id, reaper, place.n)
    _move(atlas, place.path, held.path)
    return held


def retry(atlas: Atlas, place: Place) -> Place:
    """h: a failed job goes back to inbox/ and is accepted anew."""
    goal = atlas.at_inbox(place.id)
    _move(atlas, place.path, goal.path)
    return goal


def cancel(atlas: Atlas, place: Place) -> Place:
    """i: under whatever name to failed/; ``tidy`` gives it its plain name and the reason."""
    target = atlas.failed / place.path.name.lstrip(".")
    _move(atlas, place.path, target)
    return place._replace(state=State.FAILED, path=target)


def delete(atlas: Atlas, place: Place) -> Path:
    """j: to trash/, where it is kept for 30 days."""
    target = atlas.trash_name(place.path.name)
    _move(atlas, place.path, target)
    return target


# -- what to do with a folder whose holder is gone -----------------------------------------------------------------------------
class Due(StrEnum):
    """What is to be done with a folder in processing/ that nobody works on."""

    DELETED = "deleted"  # fail: a person took job.json or input/ away
    FINISH = "finish"
    POISON = "poison"  # fail: it crashed too often
    RELEASE = "release"


def due(atlas: Atlas, place: Place, max_crashes: int, ended: bool) -> tuple[Due, JobFile | None]:
    """The verdict on PLACE, in the order of the table above. ENDED: start n is over (a reaper asks), else it only begins."""
    job = readable_job(atlas, place.path)
    if job is None or not _has_input(atlas, place.path):
        return Due.DELETED, job
    if verify(atlas.disk, place.path / tree.OUTPUT):
        return Due.FINISH, job
    if job.crashes(place.n if ended else place.n - 1) >= max_crashes:
        return Due.POISON, job
    return Due.RELEASE, job


def first_leg(atlas: Atlas, place: Place, queues: Sequence[str]) -> str:
    """The first of a recipe's QUEUES whose artefacts do not verify in work/."""
    for queue in queues[:-1]:
        if not verify(atlas.disk, place.path / tree.WORK / queue):
            return queue
    return queues[-1]


def requeue(atlas: Atlas, place: Place, queue: str) -> Place:
    """Correct a queue that no recipe knows: the job stays in claimed/ under the right name."""
    goal = atlas.at_claimed(place.id, queue, place.n)
    _move(atlas, place.path, goal.path)
    return goal


def set_aside(atlas: Atlas, folder: Path, n: int, what: Sequence[str] = tree.OF_ONE_RUN) -> None:
    """Move an earlier run's files to earlier/<n>/. Idempotent; nothing is overwritten."""
    disk = atlas.disk
    present = [entry.name for entry in disk.scandir(folder) if entry.name in what]
    if not present:
        return
    goal = folder / tree.EARLIER / str(n)
    for made in (goal.parent, goal):
        with contextlib.suppress(FileExistsError):
            disk.mkdir(made)
    taken = {entry.name for entry in disk.scandir(goal)}
    for name in present:
        free = name if name not in taken else f"{name}.{names.nonce()}"
        disk.rename(folder / name, goal / free)


def tidy(atlas: Atlas, place: Place, message: str = "Cancelled by a person.") -> Place | None:
    """Give a folder in failed/ its plain name and a reason. None where it is tidy already or holds no job."""
    disk = atlas.disk
    job = readable_job(atlas, place.path)
    if job is None:
        return None
    dragged = "@" in place.path.name
    if disk.lstat(place.path / tree.ERROR_TEXT) is None or dragged:
        error = ErrorFile(error="Cancelled", who="submitter", message=message, remedy="Move the folder back to inbox/ to run it again.", n=place.n)
        if dragged:
            job.note_start(place.n, noted="cancelled") if place.n > (job.accepted.n if job.accepted else 0) else None
            write_job(disk, place.path, job)
        write_error(atlas, place.path, error, job)
    return _land(atlas, place, atlas.at_failed(place.id)) if dragged else place


# -- small parts -------------------------------------------------------------------------------------------------------------
def readable_job(atlas: Atlas, folder: Path) -> JobFile | None:
    """job.json, or None where it is missing or is not one (a husk, a person's own file)."""
    try:
        return read_job(atlas.disk, folder)
    except Unreadable:
        return None


def _has_input(atlas: Atlas, folder: Path) -> bool:
    try:
        return bool(atlas.disk.scandir(folder / tree.INPUT))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _note_end(atlas: Atlas, place: Place, noted: str | None) -> None:
    job = read_job(atlas.disk, place.path)
    if job is None:
        raise Gone(place.path.name)
    job.note_start(place.n, ended=now(), **({"noted": noted} if noted else {}))
    write_job(atlas.disk, place.path, job)


def _fail(atlas: Atlas, place: Place, error: ErrorFile) -> Place:
    try:
        write_error(atlas, place.path, error, readable_job(atlas, place.path))
    except FileNotFoundError:
        raise Gone(place.path.name) from None
    return _land(atlas, place, atlas.at_failed(place.id))


def _land(atlas: Atlas, place: Place, goal: Place) -> Place:
    """Move to GOAL; where that name is taken by another folder, once more as <id>-<n>."""
    try:
        _move(atlas, place.path, goal.path)
        return goal
    except Occupied:
        twin = goal._replace(path=goal.path.with_name(f"{goal.id}-{place.n}"), n=place.n)
        _move(atlas, place.path, twin.path)
        return twin


def write_error(atlas: Atlas, folder: Path, error: ErrorFile, job: JobFile | None) -> None:
    """error.json for machines, then error.txt: one page a person can read."""
    atlas.disk.replace(folder / tree.ERROR, error.dump())
    atlas.disk.replace(folder / tree.ERROR_TEXT, error_page(error, job).encode())


def error_page(error: ErrorFile, job: JobFile | None) -> str:
    name = job.source.name if job else "this job"
    where = f"It stopped at stage {error.stage} (start {error.n}).\n" if error.stage else ""
    return (
        f"{name}: no result\n\n"
        f"What happened\n  {error.message}\n{where}\n"
        f"What to do ({error.who})\n  {error.remedy}\n\n"
        "How to try again\n  Move this whole folder back to inbox/. Your files are in input/, untouched.\n"
    )


def discard(atlas: Atlas, folder: Path, name: str) -> None:
    """Rename FOLDER, the pipeline's own, to trash/; a missing one is fine."""
    if atlas.disk.lstat(folder) is not None:
        with contextlib.suppress(FileNotFoundError):
            atlas.disk.rename(folder, atlas.trash_name(name))


def discard_empty(atlas: Atlas, shell: Place) -> bool:
    """Remove a shell that holds nothing, with rmdir only: a shell that got its input meanwhile survives. True when it is gone."""
    try:
        with contextlib.suppress(FileNotFoundError):
            atlas.disk.rmdir(shell.path / tree.INPUT)
        atlas.disk.rmdir(shell.path)
    except FileNotFoundError:
        return True
    except LineFault:
        raise
    except OSError:
        return False
    return True


def find(atlas: Atlas, id: str) -> Place | None:
    """Where job ID stands: two looks in lifecycle order, since it may move between two listings."""
    for _ in range(2):
        for state in State:
            for place in atlas.places(state):
                if place.id == id:
                    return place
    return None
