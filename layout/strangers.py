"""What stands among the jobs under a name that is no job's: what it is, and what a person may do
with it.

Nothing here is moved or taken away. A folder that holds a job, however, is no person's own: it was
renamed, copied or dragged by hand, and whoever is told that it is "no job" might delete it.
"""

from __future__ import annotations

from layout import names, tree
from layout.copies import is_moved
from layout.finding import find
from layout.manifest import JobFile, NewerFormat
from layout.mend import readable_job
from layout.tree import Atlas, Place, State

NO_JOB = "is no job; it is left alone. Drop folders into inbox/"


def words(atlas: Atlas, state: State, name: str) -> str:
    """What STATE/NAME, one of ``atlas.strangers(state)``, is, as it follows its name."""
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
    """In words, that a job's folder lies in that of the job at PLACE: the mouse slipped, and it is
    found nowhere."""
    found = sorted(
        entry.name
        for entry in atlas.disk.scandir(place.path)
        if entry.is_dir and names.named(entry.name)
    )
    if not found:
        return None
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return (
        f"it holds the folder of another job, {found[0]}{more}, which nobody finds there: move that"
        " back to where it was, or to inbox/ to have it done again"
    )


def _job(atlas: Atlas, state: State, name: str) -> JobFile | None:
    """The job.json in there; None where there is none, or where it cannot be read."""
    try:
        return readable_job(atlas, atlas.root / state / name)
    except (OSError, NewerFormat):
        return None
