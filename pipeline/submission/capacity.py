"""Whether a worker's memory suffices for a job, and whose does; whether any can start it."""

from __future__ import annotations

from collections.abc import Iterable

from layout.manifest import JobFile
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline import recipes
from pipeline.progress.likeness import Asked
from pipeline.progress.past import Past
from pipeline.submission import ability


def gib(bytes: float) -> str:
    """As [worker] memory_gb counts it."""
    return f"{bytes / 2**30:.1f} GiB"


def needed(past: Past, asked: Asked, queue: str, served: Iterable[str]) -> int:
    """Bytes that an engine needs for a job ASKED so that waits in QUEUE, where its worker serves
    the queues SERVED."""
    recipe = recipes.RECIPES.get(asked.kind or "")
    return past.memory(recipe.straight(queue, served) if recipe else (), asked)


def suffices(past: Past, asked: Asked, queue: str, worker: Heartbeat) -> bool:
    """Whether WORKER, which serves QUEUE, has the memory; one that does not say how much it has is
    believed to."""
    return not worker.memory or needed(past, asked, queue, worker.queues) <= worker.memory


def lacking(past: Past, asked: Asked, queue: str, workers: Iterable[Heartbeat]) -> str:
    """In words, that none of the WORKERS of QUEUE has the memory that a job ASKED so needs; ""
    where one has, or where nobody serves the queue."""
    serving = [worker for worker in workers if queue in worker.queues]
    if not serving or any(suffices(past, asked, queue, worker) for worker in serving):
        return ""
    largest = max(serving, key=lambda worker: worker.memory or 0)
    need = needed(past, asked, queue, largest.queues)
    return (
        f"it needs about {gib(need)} of memory, and the largest worker of queue {queue} may use"
        f" {gib(largest.memory or 0)} ({largest.worker}): give one more (memory_gb, or fewer of"
        " them, in [[host.workers]]), or run inbox3d up on a larger host"
    )


def told_at_submission(
    atlas: Atlas, job: JobFile, workers: Iterable[Heartbeat], queue: str | None = None
) -> str:
    """Why no worker can start a job that was submitted, at the QUEUE where it waits or at its
    first: for lack of memory, or of what makes its views. What done jobs took is only read where
    the declared need does not fit."""
    recipe = recipes.RECIPES.get(job.kind or "")
    queue = queue or (recipe.legs[0].queue if recipe else "")
    past, asked, workers = Past(atlas), Asked.of(job), list(workers)
    if why := ability.lacking(job.kind, queue, workers):
        return why
    if not lacking(past, asked, queue, workers):
        return ""
    past.read()
    return lacking(past, asked, queue, workers)
