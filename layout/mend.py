"""What is to be done with a folder that somebody left behind, and the small idempotent acts that
the edges are made of.

Every act here may be repeated by anybody, may die half-way and may meet another process that does
the same.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from layout import names, tree
from layout.disk import LineFault
from layout.manifest import (
    ErrorFile,
    JobFile,
    Outcome,
    Source,
    Unreadable,
    now,
    read_job,
    write_job,
)
from layout.move import Gone, gone, holding, land, move, there
from layout.promote import key_of, started_by, verify
from layout.tree import Atlas, Place, State

_TORN = re.compile(
    r"\.(job\.json|error\.(json|txt)|progress\.json|PROGRESS\.txt|log\.txt)\.[0-9a-f]{8}"
)


class Due(StrEnum):
    """What is to be done with a folder in processing/ that nobody works on."""

    DELETED = "deleted"  # fail: a person took job.json or input/ away
    FINISH = "finish"
    POISON = "poison"  # fail: it crashed too often
    RELEASE = "release"
    ANEW = "anew"  # job.json is damaged beside a whole input/: accepted anew


def keyless(place: Place, job: JobFile) -> str:
    """The key of a result that was promoted without one."""
    return ""


def due(
    atlas: Atlas,
    place: Place,
    max_crashes: int,
    ended: bool,
    key: Callable[[Place, JobFile], str] = keyless,
) -> tuple[Due, JobFile | None]:
    """The verdict on PLACE, in the order of lifecycle's table. ENDED: start n is over (a reaper
    asks), else it only begins.

    KEY tells what a result of the job as it stands must have been promoted with.
    """
    try:
        job = read_job(atlas.disk, place.path)
    except Unreadable:
        return (Due.ANEW if has_input(atlas, place.path) else Due.DELETED), None
    if job is None or not has_input(atlas, place.path):
        return Due.DELETED, job
    if _has_result(atlas, place, job, key):
        return Due.FINISH, job
    if job.crashes(place.n if ended else place.n - 1) >= max_crashes:
        return Due.POISON, job
    return Due.RELEASE, job


def _has_result(
    atlas: Atlas, place: Place, job: JobFile, key: Callable[[Place, JobFile], str]
) -> bool:
    """Does output/ stand whole, made by a start of this very run from what stands in input/ and
    job.json now?

    An earlier run's result, or one of another input, must not pass for this one's.
    """
    output, base = place.path / tree.OUTPUT, job.accepted.n if job.accepted else 0
    made = names.parse_processing(started_by(atlas.disk, output) or "")
    ours = made is not None and made.id == place.id and base < made.n <= place.n
    return ours and key_of(atlas.disk, output) == key(place, job) and verify(atlas.disk, output)


def first_leg(atlas: Atlas, place: Place, keys: Mapping[str, str]) -> str:
    """The queue after the last one whose artefacts stand in work/, whole and under their key; a
    leg's hold those of the legs before.

    KEYS: queue → key, in the order of the recipe.
    """
    queues = list(keys)
    for at in range(len(queues) - 1, 0, -1):
        parcel = place.path / tree.WORK / queues[at - 1]
        if key_of(atlas.disk, parcel) == keys[queues[at - 1]] and verify(atlas.disk, parcel):
            return queues[at]
    return queues[0]


def set_aside(atlas: Atlas, folder: Path, n: int, what: Sequence[str] = tree.OF_ONE_RUN) -> None:
    """Move WHAT of an earlier run to earlier/<n>/, and drop what an interrupted write left. Nothing
    is overwritten."""
    disk = atlas.disk
    found = [entry.name for entry in disk.scandir(folder)]
    for name in found:
        if _TORN.fullmatch(name):
            with contextlib.suppress(FileNotFoundError):
                disk.unlink(folder / name)
    present = [name for name in found if name in what]
    if not present:
        return
    goal = folder / tree.EARLIER / str(n)
    for made in (goal.parent, goal):
        with contextlib.suppress(FileExistsError):
            disk.mkdir(made)
    taken = {entry.name for entry in disk.scandir(goal)}
    for name in present:
        free = name if name not in taken else f"{name}.{names.nonce()}"
        with contextlib.suppress(FileNotFoundError):  # another watcher did it
            disk.rename(folder / name, goal / free)


def hush(atlas: Atlas, folder: Path) -> None:
    """Take away how far a start was that is over: nobody is to read "89 %, 8 s left" of a job that
    waits or has ended."""
    for name in (tree.PROGRESS, tree.PROGRESS_LINE):
        with contextlib.suppress(FileNotFoundError):
            atlas.disk.unlink(folder / name)


def keep_error(atlas: Atlas, folder: Path, n: int) -> None:
    """Copy an earlier run's error files to earlier/<n>/ before new ones replace them: moving them
    could take away another watcher's."""
    disk, goal = atlas.disk, folder / tree.EARLIER / str(n)
    for name in (tree.ERROR, tree.ERROR_TEXT):
        with contextlib.suppress(FileNotFoundError):
            text = disk.read(folder / name)
            for made in (goal.parent, goal):
                with contextlib.suppress(FileExistsError):
                    disk.mkdir(made)
            with contextlib.suppress(FileExistsError):
                disk.write_new(goal / name, text)


def tidy(atlas: Atlas, place: Place, message: str = "Cancelled by a person.") -> Place | None:
    """Give a folder in failed/ its plain name and a reason. Its place; None where it holds no job
    or moved away meanwhile."""
    with contextlib.suppress(Gone), holding(atlas, place):
        job = readable_job(atlas, place.path) or _without_job(atlas, place)
        if job is None:
            return None
        if "@" not in place.path.name and there(atlas.disk, place.path / tree.ERROR_TEXT):
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
    found = _attributes(atlas, place)
    if _is_moved(atlas, job, found):
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
    found = _attributes(atlas, place)
    job = readable_job(atlas, place.path)
    if job is None and not there(atlas.disk, place.path):
        raise gone(atlas, place.path)
    return job is not None and job.id == place.id and _is_moved(atlas, job, found)


def _is_moved(atlas: Atlas, job: JobFile, found: os.stat_result) -> bool:
    """A move keeps the folder's inode, a copy cannot; where inodes change nothing can be told."""
    return job.inode in (None, found.st_ino) or atlas.identity().inodes == "changing"


def _without_job(atlas: Atlas, place: Place) -> JobFile | None:
    """A folder that bears a job's working name but holds no job.json (dragged away while it was
    accepted, or deleted while it ran) gets one without a kind; an unreadable one goes to
    earlier/<n>/."""
    if "@" not in place.path.name:
        return None
    set_aside(atlas, place.path, place.n, (tree.JOB,))
    source = Source(name=place.id.rpartition("-")[0], origin="share", at=now())
    return JobFile(id=place.id, source=source, inode=_attributes(atlas, place).st_ino)


def _attributes(atlas: Atlas, place: Place) -> os.stat_result:
    """PLACE's attributes; Gone where it is not seen, for without its inode a copy cannot be told
    from a move."""
    found = atlas.disk.lstat(place.path)
    if found is None:
        raise gone(atlas, place.path)
    return found


def discard(atlas: Atlas, folder: Path, name: str) -> None:
    """Rename FOLDER, the pipeline's own, to trash/; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        atlas.disk.rename(folder, atlas.trash_name(name))


def discard_empty(atlas: Atlas, shell: Place) -> bool:
    """Remove a shell that holds nothing, with rmdir only: a shell that got its input meanwhile
    survives. True when it is gone."""
    try:
        if any(entry.name != tree.INPUT for entry in atlas.disk.scandir(shell.path)):
            return False
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


# -- small parts -------------------------------------------------------------------------------
def readable_job(atlas: Atlas, folder: Path) -> JobFile | None:
    """job.json, or None where it is missing or is not one (a husk, a person's own file)."""
    try:
        return read_job(atlas.disk, folder)
    except Unreadable:
        return None


def has_input(atlas: Atlas, folder: Path) -> bool:
    """Does input/ hold anything of the person's? "No" needs two looks."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if any(
                not names.ignored(entry.name, entry.is_dir)
                for entry in atlas.disk.scandir(folder / tree.INPUT)
            ):
                return True
    return False


def write_error(atlas: Atlas, folder: Path, error: ErrorFile, job: JobFile | None) -> None:
    """error.json for machines, then error.txt: one page a person can read."""
    atlas.disk.replace(folder / tree.ERROR, error.dump())
    atlas.disk.replace(folder / tree.ERROR_TEXT, error_page(error, job).encode())


def error_page(error: ErrorFile, job: JobFile | None) -> str:
    name = job.source.name if job else "this job"
    where = f"It stopped at stage {error.stage} (start {error.n}).\n" if error.stage else ""
    return (
        f"{name}: no result\n\nWhat happened\n  {error.message}\n{where}\nWhat to do"
        f" ({error.who})\n  {error.remedy}\n\nHow to try again\n  Move this whole folder back to"
        " inbox/. Your files are in input/, untouched.\n"
    )
