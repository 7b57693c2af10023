"""Who is able to serve a request: it may need a backend, and models that draw missing views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from layout.signs import Heartbeat
from pipeline.jobs.common import TIERS
from pipeline.progress.likeness import device

# backends that take hours on a CPU; how long, only the worker that tries it knows
FOR_GPUS = frozenset({"triposg"})
# a backend that needs so many views, and the model that draws them where there are fewer
POSED = {"instantmesh": (4, "zero123plus")}


def can_serve(backend: str, views: int | None, able: Collection[str]) -> bool:
    """Whether somebody with the backends and models ABLE makes a mesh by BACKEND from that many
    views; None: their number is not known."""
    fewest, drawing = POSED.get(backend, (0, ""))
    return backend in able and (views is None or views >= fewest or drawing in able)


def why_not(backend: str, workers: Iterable[Heartbeat]) -> str:
    """In words, which broken model keeps each of the WORKERS from BACKEND; "" where none is."""
    drawing = POSED.get(backend, (0, ""))[1]
    return _told(
        workers,
        # instantmesh-large
        lambda name: name in (backend, drawing) or name.startswith(f"{backend}-"),
    )


def _told(workers: Iterable[Heartbeat], about: Callable[[str], bool]) -> str:
    """What is broken at each of the WORKERS, of the models that it is ABOUT."""
    return "; ".join(
        dict.fromkeys(
            f"on {worker.worker}, the model {name}: {trouble}"
            for worker in workers
            for name, trouble in worker.broken.items()
            if about(name)
        )
    )


def lacking(kind: str | None, queue: str | None, workers: Iterable[Heartbeat]) -> str:
    """In words, why none of the WORKERS makes views of a prompt that waits in QUEUE; "" where one
    does, where nobody serves the queue, or where it is no prompt."""
    making = [worker for worker in workers if "views" in worker.queues]
    if (kind, queue) != ("prompt", "views") or not making:
        return ""
    if not all("views" in worker.broken for worker in making):
        return ""
    return "; ".join(f"{worker.worker}: {worker.broken['views']}" for worker in making)


def passed_over(options: Mapping[str, Any], workers: Iterable[Heartbeat]) -> str:
    """In words, which broken models a request that leaves the choice of its backend to the WORKERS
    is made without; "" where there are none."""
    if options.get("kind") not in ("images", "prompt") or options.get("backend", "auto") != "auto":
        return ""
    making = (worker for worker in workers if "mesh" in worker.queues)
    return _told(making, lambda name: name != "views" and not name.startswith("flux"))


def slow(options: Mapping[str, Any], workers: Iterable[Heartbeat]) -> str:
    """In words, that a backend is asked for by name that none of the WORKERS serves on a GPU: it
    may wait for ever, and for whom; "" where that is not so."""
    named = str(options.get("backend", "auto"))
    serving = [one for one in workers if "mesh" in one.queues and named in one.backends]
    on_gpus = any(not device(one.worker).endswith("-cpu") for one in serving)
    if named not in FOR_GPUS or not serving or on_gpus:
        return ""
    return (
        f"a worker that makes meshes by {named} in time: those that have it run on CPUs"
        f" ({', '.join(sorted(one.worker for one in serving))}), where it takes hours, and one that"
        " foresees more than its [worker] deadline leaves the job waiting. Its operator runs"
        " `inbox3d up` on a host with a GPU, or raises that deadline; whoever submits may ask for"
        " backend=auto, which does not wait"
    )


def views_named(options: Mapping[str, Any]) -> int | None:
    """How many views a flat request speaks of; None where it does not tell."""
    named = len(options.get("image_urls") or ()) + len(options.get("image_paths") or ())
    if options.get("kind") == "prompt":
        return (
            options.get("views")
            or TIERS.get(str(options.get("quality_tier")), TIERS["standard"]).views
        )
    return named or None
