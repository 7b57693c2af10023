"""A service over HTTP: JSON in, JSON out, problem+json with a remedy for everything else. The rules
of who may ask are the web layer's."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Callable

from flask import Flask, Response, request

from layout.tree import Atlas
from pipeline.config import Settings
from pipeline.errors import PipelineError
from pipeline.kept.versions import versions
from pipeline.services.answers import Answers
from pipeline.services.device import Busy, Device, Stopping
from pipeline.services.routes import ROUTES, Route
from webapi import error_handlers
from webapi.access.access import Access
from webapi.access.headers import harden
from webapi.access.keys import Keys
from webapi.problems import MEDIA_TYPE, Problem
from webapi.routes.table import parsed

log = logging.getLogger(__name__)
STATUS = {"submitter": 422, "operator": 503}


def create_app(atlas: Atlas, settings: Settings, service: str, device: Device) -> Flask:
    """The application of SERVICE (views, mesh or finish) on DEVICE."""
    app = Flask("pipeline.services", static_folder=None)
    access = Access(settings.web, Keys(atlas), secrets.token_bytes(32))
    answers = Answers(atlas, settings.host.scratch, service)
    rules = [f"POST {route.rule}" for route in ROUTES[service]]

    @app.before_request
    def guard() -> None:
        access.check_host(request)
        access.check_origin(request)
        if request.path != "/health":
            access.permit(
                access.who(request), "read" if request.method in ("GET", "HEAD") else "submit"
            )

    app.after_request(harden)
    app.register_error_handler(Exception, lambda error: _refusal(error, rules))
    app.add_url_rule(
        "/health",
        "health",
        lambda: {"status": "ok", "service": service, "version": versions().get("inbox3d", "")},
    )
    app.add_url_rule(
        "/ready",
        "ready",
        lambda: {"status": "ready", "service": service, "device": device.name, **device.load()},
    )
    for route in ROUTES[service]:
        app.add_url_rule(route.rule, route.rule, _handler(route, answers, device), methods=["POST"])
    return app


def _handler(route: Route, answers: Answers, device: Device) -> Callable[[], Response]:
    def handle() -> Response:
        began = time.monotonic()
        answer = route.make(parsed(route.body), answers, device)
        log.info("service.answered rule=%s seconds=%.1f", route.rule, time.monotonic() - began)
        return Response(
            json.dumps(answer, ensure_ascii=False) + "\n", content_type="application/json"
        )

    return handle


def _refusal(error: Exception, rules: list[str]) -> Response:
    problem = _problem(error, rules)
    return Response(
        json.dumps(problem.body(), ensure_ascii=False) + "\n",
        problem.status,
        problem.headers,
        content_type=MEDIA_TYPE,
    )


def _problem(error: Exception, rules: list[str]) -> Problem:
    if isinstance(error, Busy):
        return Problem(
            503,
            "busy",
            "Too many requests wait for this device.",
            "Ask again later.",
            headers={"Retry-After": "5"},
        )
    if isinstance(error, Stopping):
        return Problem(503, "stopping", "The service is ending.", "Ask again when it is up.")
    if isinstance(error, PipelineError):
        return Problem(
            STATUS.get(error.who, 500), type(error).__name__, error.message, error.remedy
        )
    found = error_handlers.of(error)
    if found.status in (404, 405):
        found.remedy = f"This service has {', '.join(rules)}, GET /health and GET /ready."
    elif found.status == 400:
        found.remedy = "Send valid JSON."
    return found
