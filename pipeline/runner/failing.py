"""What is written of a job that fails: its error, as error.json and error.txt tell it."""

from __future__ import annotations

from layout.manifest import ErrorFile, JobFile
from pipeline.errors import EngineDied, InputRejected, PipelineError

DELETED = InputRejected(
    "The job's files were deleted, or taken out of its folder, before it was done.",
    remedy="Drop the files again.",
)


def poisoned(job: JobFile | None, n: int, error: PipelineError | None = None) -> PipelineError:
    """The error of a job that crashed too often, with what was seen of the crashes."""
    base = job.accepted.n if job and job.accepted else 0
    seen = [start.crash for start in (job.starts if job else []) if start.n > base and start.crash]
    last = (
        error.message if error else seen[-1] if seen else "Its worker or host went down each time."
    )
    by = f", the last of {job.starts[-1].worker}" if job and job.starts else ""
    told = f"Given up after {job.crashes(n) if job else n} crashed starts{by}. {last}"
    if error is None:
        return EngineDied(told)
    return type(error)(told, remedy=error.remedy, stage=error.stage)


def error_file(error: PipelineError, n: int, leg: str | None = None) -> ErrorFile:
    return ErrorFile(
        error=type(error).__name__,
        who=error.who,  # type: ignore[arg-type]
        message=error.message,
        remedy=error.remedy,
        stage=error.stage,
        leg=error.leg or leg,
        n=n,
    )
