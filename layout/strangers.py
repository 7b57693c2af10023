"""What stands among the jobs under a name that is no job's: what it is, and what a person may do
with it.

Nothing here is moved or taken away. A folder that holds a job, however, is no person's own: it was
renamed, copied or dragged by hand, and whoever is told that it is "no job" might delete it.
"""

from __future__ import annotations

from pathlib import Path

from layout import attention, names, tree
from layout.copies import is_moved
from layout.disk import LineFault
from layout.finding import find
from layout.manifest import JobFile, NewerFormat
from layout.mend import readable_job
from layout.tree import Atlas, Place, State

_OWN = frozenset({tree.INPUT, tree.WORK, tree.EARLIER, tree.JOB, *tree.OF_ONE_RUN})
NO_JOB = "is no job; it is left alone. Drop folders into inbox/"


def words(atlas: Atlas, state: State, name: str) -> str:
    """What STATE/NAME, one of ``atlas.strangers(state)``, is, as it follows its name. One that may
    not be looked at is told as that, and hides no other."""
    try:
        return _words(atlas, state, name)
    except LineFault:
        raise
    except (OSError, NewerFormat) as error:
        return f"cannot be looked at: {attention.words(error, atlas.root / state / name)}"


def _words(atlas: Atlas, state: State, name: str) -> str:
    job = _job(atlas, state, name)
    if job is None or not names.is_id(job.id):
        return NO_JOB
    folder = atlas.disk.lstat(atlas.root / state / name)
    if folder is not None and not is_moved(atlas, job, folder) and find(atlas, job.id):
        return (
            f"is a copy of job {job.id}, and nobody works on it here: move it to inbox/ to have it"
            " done as a job of its own, or delete it"
        )
    if state is State.DONE:
        return f"is job {job.id} under another name, and is not found: rename it to {job.id}"
    whole = atlas.disk.lstat(atlas.root / state / name / tree.OUTPUT) is not None
    return (
        f"is the folder of job {job.id}, and nobody works on it here: move it to inbox/ to have it"
        f" done{f' again, or to done/ under the name {job.id}' if whole else ''}"
    )


def inside(atlas: Atlas, place: Place) -> str | None:
    """In words, that another job's folder, or a drop, lies in that of the job at PLACE: the mouse
    slipped, and nobody finds it there."""
    strange = [name for name, is_dir in beside(atlas, place.path) if is_dir]
    jobs = [name for name in strange if names.named(name)]
    found = jobs or strange
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if jobs:
        return (
            f"it holds the folder of another job, {found[0]}{more}, which nobody finds there: move"
            " that back to where it was, or to inbox/ to have it done again"
        )
    return (
        f"it holds a folder that is nothing of its own, {found[0]}{more}, and nobody reads that"
        " there: move it to inbox/ to have a model made of it, or to where it belongs"
    )


def beside(atlas: Atlas, folder: Path) -> list[tuple[str, bool]]:
    """(name, is it a folder) of what stands in a job's FOLDER and is neither of the job, nor what
    people are told to put there, nor rubbish; sorted."""
    return sorted(
        (entry.name, entry.is_dir)
        for entry in atlas.disk.scandir(folder)
        if entry.name not in _OWN
        and not (tree.is_ours(entry.name) and not entry.is_dir)
        and not names.ignored(entry.name, entry.is_dir)
    )


def _job(atlas: Atlas, state: State, name: str) -> JobFile | None:
    """The job.json in there; None where there is none, or no sound one."""
    try:
        return readable_job(atlas, atlas.root / state / name)
    except (FileNotFoundError, NotADirectoryError):
        return None
