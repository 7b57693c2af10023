"""The HTTP layer: requests become job folders, job folders become answers. It decides nothing; the
folder does."""

from __future__ import annotations

import importlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

    from layout.tree import Atlas
    from pipeline.config import Settings

__all__ = ["create_app"]


def create_app(atlas: Atlas, settings: Settings) -> Flask:
    """The application for one Atlas. Nothing runs yet: server.serve starts the threads that follow
    the tree."""
    from flask import Flask, g, request

    from webapi import error_handlers
    from webapi.access import access, keys, secrets
    from webapi.access.headers import harden
    from webapi.context import Web
    from webapi.index import events, follower
    from webapi.index.database import connect
    from webapi.index.table import Index
    from webapi.notify import metrics
    from webapi.pages.blueprint import OPEN, PREFIXES, blueprint
    from webapi.pages.filters import FILTERS
    from webapi.pages.page import problem_page
    from webapi.routes import table
    from webapi.uploads import slots

    for name in table.ORDER:  # importing them declares their routes
        importlib.import_module(name)
    identity = atlas.identity()
    state = settings.host.scratch.parent
    database = Index(connect(settings.host.sql_url, state, identity.uuid), identity.uuid)
    known = keys.Keys(atlas)
    web = Web(
        atlas,
        settings,
        database,
        follower.Follower(atlas, settings, database),
        events.Events(settings.web.streams),
        known,
        access.Access(
            settings.web,
            known,
            secrets.host_secret(state / f"session-{identity.uuid}.key"),
            state / f"session-{identity.uuid}.ended",
        ),
        changing=identity.inodes == "changing",
        open_endpoints=set(OPEN),
        receiving=threading.Semaphore(max(2, settings.web.threads // 2)),
    )
    app = Flask("webapi", static_folder=None, template_folder="templates")
    app.extensions["inbox3d"] = web
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(table.blueprint)
    for prefix in PREFIXES:
        app.register_blueprint(blueprint(prefix))
    table.index_routes()
    error_handlers.install(app, problem_page)
    app.url_map.strict_slashes = False

    @app.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        table.guard()
        slots.begin(web)

    @app.teardown_request
    def over(error: BaseException | None) -> None:
        slots.end(web)

    @app.after_request
    def end(response: Response) -> Response:
        rule = request.url_rule.rule if request.url_rule else "none"
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        metrics.requests(rule, request.method, response.status_code).observe(seconds)
        return harden(response)

    _listen(web)
    return app


def _listen(web: object) -> None:
    """Changes of the tree become events."""
    import json

    from webapi.context import Web
    from webapi.index import rows
    from webapi.index.overview import overview
    from webapi.index.schema import Row

    assert isinstance(web, Web)
    last = ""

    def changed(old: Row | None, new: Row | None) -> None:
        if new is not None:
            web.events.publish("job", rows.summary(new), new["id"])
        elif old is not None:
            web.events.publish("gone", {"job_id": old["id"]}, old["id"])

    def looked() -> None:
        nonlocal last
        found = overview(web.follower)
        text = json.dumps(found, sort_keys=True)
        if text != last:
            last = text
            web.events.publish("overview", found)

    web.follower.known.listeners.append(changed)
    web.follower.after.append(looked)
