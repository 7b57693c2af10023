"""Requests generated from the OpenAPI document: no server error, and no answer that the document does not promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from layout.signs import Progress
from layout.tree import Atlas, State
from tests.support.web import forge, make_settings
from webapi import create_app
from webapi.routes import act, files, look, submit, system
from webapi.routes.table import ROUTES, Route

assert act and files and look and submit and system  # importing them declares their routes
TESTED = [route for route in ROUTES if not route.rule.endswith("events")]  # streams do not end
pytestmark = pytest.mark.slow


@pytest.fixture
def schema(atlas: Atlas, tmp_path: Path) -> Iterator[Any]:
    """The document of an application on loopback."""
    import schemathesis

    app = create_app(atlas, make_settings(tmp_path))
    inner: Callable[..., Any] = app.wsgi_app
    app.wsgi_app = lambda environ, start: inner({**environ, "REMOTE_ADDR": "127.0.0.1"}, start)  # type: ignore[method-assign]
    app.extensions["inbox3d"].follower.looked = float("inf")  # /ready: as if it looked a moment ago
    yield schemathesis.openapi.from_wsgi("/openapi.json", app)
    app.extensions["inbox3d"].index.engine.dispose()


@pytest.fixture(scope="module")
def checks() -> list[Callable[..., Any]]:
    """What holds for every answer."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi import checks

    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]


@pytest.mark.parametrize("route", TESTED, ids=lambda route: f"{route.method} {route.rule}")
def test_generated_requests_meet_promised_answers(
    schema: Any, checks: list[Callable[..., Any]], atlas: Atlas, route: Route
) -> None:
    """Valid and invalid ones alike; ids of real jobs are among them."""
    progress = Progress(stage="finish.export", fraction=0.5, message="x")
    ids = [
        forge(atlas, state, progress=progress).id
        for state in (State.DONE, State.FAILED, State.PROCESSING)
    ]
    operation = schema[route.rule][route.method]
    turn = iter(range(10**6))

    @seed(1)
    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        if "id" in (case.path_parameters or {}) and (number := next(turn)) % 2:
            case.path_parameters["id"] = ids[number % len(ids)]
        case.validate_response(case.call(), checks=checks)

    check()
