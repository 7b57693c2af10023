"""Routes about the service itself: health, readiness, metrics, the OpenAPI document, and the event
streams."""

from __future__ import annotations

import functools
import json
from importlib import metadata
from typing import Any

from flask import Response, request

from webapi.index import rows
from webapi.index.overview import overview
from webapi.index.states import ENDED
from webapi.problems import Problem
from webapi.routes.answers import Counts, Health, Ready, Workers
from webapi.routes.look import look_up
from webapi.routes.table import Param, answer, here, route

LAST = (
    Param("Last-Event-ID", "header", {"type": "string"}, "go on after this event"),
    Param(
        "last_event_id",
        "query",
        {"type": "string"},
        "the same, for a first connection that cannot send headers",
    ),
)
STREAM = "text/event-stream"


@functools.cache
def version() -> str:
    try:
        return metadata.version("inbox3d")
    except metadata.PackageNotFoundError:
        return "0"


@route("GET", "/health", {200: Health}, scope=None)
def health() -> Response:
    """Whether the web process lives.
    Needs no key and touches no disk."""
    return answer(Health, {"status": "ok", "version": version()})


@route("GET", "/ready", {200: Ready}, problems=(503,))
def ready() -> Response:
    """Whether the share answers, the keys can be read and the index follows the tree."""
    follower = here().follower
    if not follower.fresh:
        raise Problem(
            503,
            "not-ready",
            f"The tree was not looked at lately: {follower.fault or 'the share does not answer'}.",
            headers={"Retry-After": "15"},
        )
    here().keys.all()  # where they cannot be read nobody with a key can come in
    return answer(
        Ready,
        {
            "status": "ready",
            "jobs": follower.counts,
            "queues": follower.queues(),
            "halted": follower.halted,
        },
    )


@route("GET", "/3d/counts", {200: Counts})
def counts() -> Response:
    """The numbers that a dashboard shows, from memory: no file and no row is read for them."""
    seen, jobs = overview(here().follower), here().follower.known.unfinished()
    running = sum(bool(row["worker"]) for row in jobs)
    return answer(
        Counts,
        {
            "waiting": len(jobs) - running,
            "running": running,
            **{word: seen["counts"].get(word, 0) for word in ("completed", "failed")},
            "arriving": len(seen["arriving"]),
            "workers": len(seen["workers"]),
            "attention": len(seen["attention"]),
            "halted": bool(seen["halted"]),
            "queues": seen["queues"],
        },
    )


@route("GET", "/3d/workers", {200: Workers})
def workers() -> Response:
    """The live workers, and what each of them holds."""
    held = {row["id"]: row for row in here().follower.known.unfinished()}
    found = []
    for one in overview(here().follower)["workers"]:
        row = held.get(one["job"] or "", {})
        job = {"job_id": one["job"], "job_name": one["name_of_job"]}
        facts = {key: row.get(key) for key in ("stage", "progress")}
        told = {key: one[key] for key in ("name", "queues", "message", "gpu")}
        memory = {key: one[key] or None for key in ("memory", "used")}
        found.append(told | job | facts | memory)
    return answer(Workers, {"workers": found})


@route("GET", "/metrics", {200: "text/plain"}, keyed=True)
def metrics() -> Response:
    """Metrics for Prometheus.
    From other hosts only with a key, whatever [web] lan says."""
    from webapi.notify.metrics import exposition

    text, content_type = exposition(here())
    return Response(text, content_type=content_type)


@route("GET", "/openapi.json", {200: "application/json"}, scope=None)
def openapi() -> Response:
    """This document."""
    return Response(_document(), content_type="application/json")


@functools.cache
def _document() -> str:
    from webapi.routes.openapi import document

    return json.dumps(document(), ensure_ascii=False, indent=1)


@route("GET", "/3d/events", {200: STREAM}, params=LAST, problems=(503,))
def events() -> Response:
    """Every change as it happens, as server-sent events. `job` (a summary), `gone`, `overview`, and
    `reset` when something may have been missed: then load the lists again."""
    return stream(None)


@route("GET", "/3d/jobs/{id}/events", {200: STREAM}, params=LAST, problems=(404, 503))
def job_events(id: str) -> Response:
    """One job's changes, beginning with how it stands now, until it has ended."""
    look_up(id)
    return stream(id)


def stream(id: str | None) -> Response:
    def first() -> dict[str, Any] | None:
        return rows.summary(look) if id and (look := here_.index.get(id)) else None

    here_ = here()
    text = here_.events.stream(
        request.headers.get("Last-Event-ID") or request.args.get("last_event_id"),
        id,
        first,
        lambda data: data.get("state") in ENDED,
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(text, 200, headers, content_type=STREAM + "; charset=utf-8")
