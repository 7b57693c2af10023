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
    from webapi.context import Web

__all__ = ["create_app"]


def create_app(atlas: Atlas, settings: Settings) -> Flask:
    """The application for one Atlas. Nothing runs yet: server.serve starts the threads that follow
    the tree."""
    from flask import Flask

    web = _parts(atlas, settings)
    app = Flask("webapi", static_folder=None, template_folder="templates")
    app.extensions["inbox3d"] = web
    _add_routes(app)
    _add_pages(app)
    app.url_map.strict_slashes = False
    _guard(app, web)
    _listen(web)
    return app


def _parts(atlas: Atlas, settings: Settings) -> Web:
    """What requests are answered from: the index and who fills it, keys, sessions, events."""
    from webapi.access import access, keys, secrets
    from webapi.context import Web
    from webapi.index import events, follower
    from webapi.index.database import connect
    from webapi.index.table import Index
    from webapi.pages.blueprint import OPEN

    identity = atlas.identity()
    state = settings.host.scratch.parent
    database = Index(connect(settings.host.sql_url, state, identity.uuid), identity.uuid)
    known = keys.Keys(atlas)
    return Web(
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


def _add_routes(app: Flask) -> None:
    from webapi.routes import table

    for name in table.ORDER:  # importing them declares their routes
        importlib.import_module(name)
    app.register_blueprint(table.blueprint)
    table.index_routes()


def _add_pages(app: Flask) -> None:
    from webapi import error_handlers
    from webapi.pages.blueprint import PREFIXES, blueprint
    from webapi.pages.filters import FILTERS
    from webapi.pages.page import problem_page

    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for prefix in PREFIXES:
        app.register_blueprint(blueprint(prefix))
    error_handlers.install(app, problem_page)


def _guard(app: Flask, web: Web) -> None:
    """What every request goes through: who asks, whether there is room for an upload, its time, the
    headers of its answer."""
    from flask import g, request

    from webapi.access.headers import harden
    from webapi.notify import metrics
    from webapi.routes import table
    from webapi.uploads import slots

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


def _listen(web: Web) -> None:
    """Changes of the tree become events."""
    import json

    from webapi.index import rows
    from webapi.index.overview import overview
    from webapi.index.schema import Row

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
