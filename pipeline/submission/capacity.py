"""Whether a worker's memory suffices for a job, and whose does; whether any can start it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from layout.manifest import JobFile
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline import recipes
from pipeline.progress import needs
from pipeline.progress.likeness import Asked
from pipeline.progress.past import Past
from pipeline.submission import ability


def gib(bytes: float) -> str:
    """As [worker] memory_gb counts it."""
    return f"{bytes / 2**30:.1f} GiB"


class Need(NamedTuple):
    """Bytes that an engine needs of the machine's memory, and of its GPU's where it has one."""

    memory: int
    gpu: int = 0

    def met_by(self, worker: Heartbeat) -> bool:
        """Whether WORKER has them; one that does not say how much it has is believed to."""
        card = worker.gpu.memory if worker.gpu else self.gpu
        return (worker.memory or self.memory) >= self.memory and card >= self.gpu

    def beyond(self, worker: Heartbeat) -> str:
        """In words, which of them is more than WORKER has; "" where none is."""
        if worker.memory and self.memory > worker.memory:
            return f"it needs about {gib(self.memory)} of memory"
        if worker.gpu and self.gpu > worker.gpu.memory:
            return f"it needs about {gib(self.gpu)} of a GPU's memory"
        return ""


def needed(past: Past, asked: Asked, queue: str, served: Iterable[str]) -> Need:
    """What an engine needs for a job ASKED so that waits in QUEUE, where its worker serves the
    queues SERVED."""
    recipe = recipes.RECIPES.get(asked.kind or "")
    stages = recipe.straight(queue, served) if recipe else ()
    return Need(past.memory(stages, asked), needs.on_gpu(stages, asked))


def suffices(past: Past, asked: Asked, queue: str, worker: Heartbeat) -> bool:
    """Whether WORKER, which serves QUEUE, has the memory."""
    return needed(past, asked, queue, worker.queues).met_by(worker)


def lacking(past: Past, asked: Asked, queue: str, workers: Iterable[Heartbeat]) -> str:
    """In words, that none of the WORKERS of QUEUE has the memory that a job ASKED so needs; ""
    where one has, or where nobody serves the queue."""
    serving = [worker for worker in workers if queue in worker.queues]
    if not serving or any(suffices(past, asked, queue, worker) for worker in serving):
        return ""
    gpu = needed(past, asked, queue, serving[0].queues).gpu
    roomy = [worker for worker in serving if not worker.gpu or worker.gpu.memory >= gpu]
    if not roomy:
        return _lacking_gpu(gpu, queue, serving)
    largest = max(roomy, key=lambda worker: worker.memory or 0)
    need = needed(past, asked, queue, largest.queues)
    return (
        f"it needs about {gib(need.memory)} of memory, and the largest worker of queue {queue} may"
        f" use {gib(largest.memory or 0)} ({largest.worker}): give one more (memory_gb, or fewer of"
        " them, in [[host.workers]]), or run inbox3d up on a larger host"
    )


def _lacking_gpu(need: int, queue: str, serving: Iterable[Heartbeat]) -> str:
    has, worker = max((one.gpu.memory, one.worker) for one in serving if one.gpu)
    return (
        f"it needs about {gib(need)} of a GPU's memory, and the largest of queue {queue} has"
        f" {gib(has)} ({worker}): run inbox3d up on a host with a larger one, or ask for"
        " backend=auto, which takes what fits"
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
