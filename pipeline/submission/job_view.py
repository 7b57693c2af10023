"""What can be said about a job from its folder: state, job.json, progress, error. Read by the CLI
and the web layer."""

from __future__ import annotations

import contextlib
import json
from typing import Any, TypeVar

from layout import lifecycle, names, tree
from layout.manifest import Document, ErrorFile, JobFile, NewerFormat, Outcome, Unreadable
from layout.promote import started_by
from layout.signs import Progress
from layout.tree import Atlas, Place, State

T = TypeVar("T", bound=Document)
SMALL = 64 * 1024  # bytes; what we write of that kind is far smaller


def show(atlas: Atlas, place: Place) -> dict[str, Any]:
    """{job_id, state (the folder), path (below the root), job, progress, error}; parts that are not
    there are null."""
    job = job_at(atlas, place)
    progress, error = progress_of(atlas, place), error_of(atlas, place)
    return {
        "job_id": place.id,
        "state": place.state.value,
        "path": str(place.path.relative_to(atlas.root)),
        "job": job.model_dump(mode="json") if job else None,
        "progress": progress.model_dump(mode="json") if progress else None,
        "error": error.model_dump(mode="json") if error else None,
    }


def error_of(atlas: Atlas, place: Place) -> ErrorFile | None:
    """Why the job at PLACE has no result, where it should have one or never will."""
    if place.state is State.FAILED:
        return _load(atlas, place, ErrorFile, tree.ERROR)
    return without_result(atlas, place)


def without_result(atlas: Atlas, place: Place) -> ErrorFile | None:
    """What is wrong with a job that stands in done/ without a result of its own: a person moved it
    there before it was finished, or copied another job's folder into it."""
    if place.state is not State.DONE:
        return None
    try:
        if not atlas.disk.seen(place.path / tree.OUTPUT):
            return ErrorFile(
                error="NotFinished", who="submitter", n=place.n,
                message="it is not finished: it has no output/, and nobody works on it here",
                remedy="Run it again, or delete it.",
            )  # fmt: skip
        found = _of_another(atlas, place)
    except PermissionError:
        return None
    if found is None:
        return None
    return ErrorFile(
        error="Merged", who="submitter", n=place.n,
        message=f"two jobs were put together here, and its result may be either's: {found}",
        remedy="Submit its files anew, each job's alone, and delete it.",
    )  # fmt: skip


def _of_another(atlas: Atlas, place: Place) -> str | None:
    """In words, what of the folder at PLACE says that it is another job's."""
    job = job_at(atlas, place)
    if job is not None and job.id != place.id:
        return f"{tree.JOB} is that of {job.id}"
    made = names.parse_processing(started_by(atlas.disk, place.path / tree.OUTPUT) or "")
    if made is not None and made.id != place.id:
        return f"{tree.OUTPUT}/ is the result of {made.id}"
    return None


def progress_of(atlas: Atlas, place: Place) -> Progress | None:
    """How far the job at PLACE is, while it runs or waits between two legs; None where nobody says,
    or only a start that is over."""
    if place.state not in (State.CLAIMED, State.PROCESSING):
        return None
    progress = _load(atlas, place, Progress, tree.PROGRESS)
    return progress if progress and progress.tells_of(place.n, place.queue) else None


def job_at(atlas: Atlas, place: Place) -> JobFile | None:
    """job.json for looking only: None where it is missing, torn, or of a newer format that is left
    alone."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        return lifecycle.readable_job(atlas, place.path)
    return None


def lack_of(job: JobFile | None) -> str | None:
    """In words, what the worker of the last start lacked when it gave the job back; None where it
    ended otherwise."""
    last = job.starts[-1] if job and job.starts else None
    return (
        f"{last.worker} could not do it: {last.noted}"
        if last and last.outcome is Outcome.LACKING
        else None
    )


def _load(atlas: Atlas, place: Place, kind: type[T], name: str) -> T | None:
    with contextlib.suppress(OSError, Unreadable, NewerFormat):
        return kind.load(atlas.disk.read(place.path / name, SMALL))
    return None


def all_jobs(atlas: Atlas) -> list[Place]:
    """Every job, in the order of a job's life; drops in inbox/ that are no jobs yet are left
    out."""
    return [place for state in State for place in atlas.places(state) if place.id]


def results(atlas: Atlas, place: Place) -> list[str]:
    """Names of the result files, or none."""
    with contextlib.suppress(OSError):
        return sorted(
            entry.name for entry in atlas.disk.scandir(place.path / tree.OUTPUT) if not entry.is_dir
        )
    return []


def to_json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
