"""What the status page shows besides jobs, and filling the index anew."""

from __future__ import annotations

from typing import Any

from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline.config import Settings
from pipeline.queues import QUEUES
from webapi.index.follower import Follower
from webapi.index.table import Index

LEG_ORDER = tuple(QUEUES)


def reindex(atlas: Atlas, settings: Settings, index: Index) -> int:
    """Empty INDEX and fill it from the tree. Returns how many jobs it holds now."""
    index.clear()
    follower = Follower(atlas, settings, index)
    follower.look()
    return sum(index.counts().values())


def _doing(job: str | None, beat: Heartbeat) -> str | None:
    """What a worker that holds JOB does, in words: its beat's, where that knows of the job."""
    return beat.message if job == beat.job else "working" if job else "idle"


def overview(follower: Follower) -> dict[str, Any]:
    """What the status page shows besides jobs."""
    served = follower.queues()
    waiting: dict[str, int] = {}
    for row in follower.known.waiting():
        if row["queue"]:
            waiting[row["queue"]] = waiting.get(row["queue"], 0) + 1
    workers = follower.workers()
    rows = follower.known.unfinished()
    names = {row["id"]: row["name"] for row in rows}
    # the folder says who holds a job; a heartbeat says it up to a beat later
    held = {row["worker"]: row["id"] for row in rows if row["worker"]}
    queues = sorted(
        {*served, *waiting}, key=lambda name: LEG_ORDER.index(name) if name in LEG_ORDER else 9
    )
    return {
        "counts": follower.counts,
        "arriving": [arrival._asdict() for arrival in follower.arrivals],
        "queues": [
            {"name": name, "workers": served.get(name, 0), "waiting": waiting.get(name, 0)}
            for name in queues
        ],
        "workers": [
            {
                "name": beat.worker,
                "job": (job := held.get(beat.worker)),
                "name_of_job": names.get(job or ""),
                "message": _doing(job, beat),
                "queues": list(beat.queues),
                "memory": beat.memory,
                "used": beat.used,
                "gpu": beat.gpu.model_dump(exclude={"format"}) if beat.gpu else None,
            }
            for beat in workers
        ],
        "attention": sorted({*follower.observer.needs()} | {*follower.attention.lines()}),
        "halted": follower.halted,
        "fault": follower.fault,
    }
