"""Metrics in Prometheus' text form. Nothing about a single job or person becomes a label."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from http import HTTPMethod

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from layout.signs import Heartbeat
from layout.tree import State
from pipeline.progress.likeness import device
from webapi.context import Web
from webapi.index.states import WORDS

METHODS = frozenset(HTTPMethod)
REGISTRY = CollectorRegistry()
REQUESTS = Histogram(
    "inbox3d_http_request_seconds",
    "Time to answer",
    ["route", "method", "status"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
UPLOADED = Counter("inbox3d_uploaded_bytes", "Bytes received in uploads", registry=REGISTRY)
WEBHOOKS = Counter("inbox3d_webhooks", "Webhook deliveries", ["result"], registry=REGISTRY)
ENDED = Counter("inbox3d_jobs_ended", "Jobs seen to end", ["kind", "state"], registry=REGISTRY)


@functools.lru_cache(2048)
def requests(rule: str, method: str, status: int) -> Histogram:
    """The row of REQUESTS that counts such answers. A method is anything that a client writes, so
    those that are none count as one."""
    return REQUESTS.labels(rule, method if method in METHODS else "other", str(status))


class Tree(Collector):
    """What the follower saw last, at the instant of the scrape."""

    def __init__(self, web: Web) -> None:
        self.web = web

    def collect(self) -> Iterator[GaugeMetricFamily]:
        follower = self.web.follower
        jobs = GaugeMetricFamily("inbox3d_jobs", "Jobs by state", labels=["state"])
        for word in WORDS:
            jobs.add_metric([word], follower.counts.get(word, 0))
        waiting = GaugeMetricFamily(
            "inbox3d_queue_waiting", "Jobs that wait, by queue", labels=["queue"]
        )
        depth: dict[str, int] = {}
        for row in follower.known.waiting():
            where = row["queue"] or State.INBOX.value
            depth[where] = depth.get(where, 0) + 1
        for queue in {*depth, *follower.queues()}:
            waiting.add_metric([queue], depth.get(queue, 0))
        workers = GaugeMetricFamily("inbox3d_workers", "Live workers by queue", labels=["queue"])
        for queue, count in follower.queues().items():
            workers.add_metric([queue], count)
        yield from (jobs, waiting, workers, *_engines(follower.workers()))
        yield GaugeMetricFamily(
            "inbox3d_arriving", "Entries of inbox/ that are no jobs yet", len(follower.arrivals)
        )
        yield GaugeMetricFamily(
            "inbox3d_following", "1 while the tree is followed", int(follower.fresh)
        )
        yield GaugeMetricFamily("inbox3d_halted", "1 while HALT exists", int(bool(follower.halted)))
        yield GaugeMetricFamily(
            "inbox3d_event_streams", "Open event streams", self.web.events.listening
        )
        try:
            yield GaugeMetricFamily(
                "inbox3d_atlas_free_bytes",
                "Room on Atlas",
                shutil.disk_usage(self.web.atlas.root).free,
            )
        except OSError:
            return


def _engines(beats: list[Heartbeat]) -> Iterator[GaugeMetricFamily]:
    """What engines use, by the host and device of their workers: those names stay when a process
    starts again. Several on the CPU of one host count together."""
    used = GaugeMetricFamily("inbox3d_engine_memory_bytes", "Memory in use", labels=["worker"])
    total: dict[str, int] = {}
    for beat in beats:
        name = device(beat.worker)
        total[name] = total.get(name, 0) + (beat.used or 0)
    for name, bytes in total.items():
        used.add_metric([name], bytes)
    gpus = {device(beat.worker): beat.gpu for beat in beats if beat.gpu}
    memory = GaugeMetricFamily("inbox3d_gpu_memory_bytes", "Memory of a GPU", labels=["worker"])
    held = GaugeMetricFamily(
        "inbox3d_gpu_memory_used_bytes", "Memory of a GPU in use", labels=["worker"]
    )
    busy = GaugeMetricFamily("inbox3d_gpu_busy_ratio", "Share of time in use", labels=["worker"])
    for name, gpu in gpus.items():
        memory.add_metric([name], gpu.memory)
        held.add_metric([name], gpu.used)
        if gpu.busy is not None:
            busy.add_metric([name], gpu.busy)
    yield from (used, memory, held, busy)


def exposition(web: Web) -> tuple[bytes, str]:
    registry = CollectorRegistry()
    registry.register(Tree(web))
    return generate_latest(REGISTRY) + generate_latest(registry), CONTENT_TYPE_LATEST
