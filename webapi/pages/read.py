"""Pages: server-rendered, readable without JavaScript; one small ES module makes them live. The
same pages stand below /3d-test/."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from flask import (
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from werkzeug.exceptions import NotFound

from layout import tree
from pipeline.jobs.common import FORMATS
from webapi.context import STATIC, VENDOR
from webapi.index import details
from webapi.index.overview import overview
from webapi.index.states import SAID
from webapi.problems import MEANINGS, Problem
from webapi.routes import look
from webapi.routes.table import asker, here

LATELY, FAILED, GRID = 8, 4, 48


def prefix() -> str:
    return "/3d-test" if request.path.startswith("/3d-test") else ""


def page(template: str, code: int = 200, **content: Any) -> Response:
    """Render TEMPLATE; ?part=1 gives its main part only, which the module puts in place when
    something changed."""
    who, web = g.get("who"), here()
    if who is not None:
        g.sets_cookie, g.who = True, who._replace(session=who.session or web.access.new_session())
        who = g.who
    may = {scope: _may(scope) for scope in ("submit", "admin")} if who else {}
    text = render_template(
        template,
        prefix=prefix(),
        part=bool(request.args.get("part")),
        token=web.access.token(who) if who else "",
        who=who,
        may=may,
        mark=g.get("mark", ""),
        said=SAID,
        wanted=_wanted(),
        formats=FORMATS,
        version=static_version(),
        **content,
    )
    return make_response(text, code)


def _may(scope: Any) -> bool:
    try:
        here().access.permit(asker(), scope)
    except Problem:
        return False
    return True


# -- looking -----------------------------------------------------------------------------------
def home() -> Response:
    index = here().index
    active = [details.with_eta(here().follower, row) for row in index.active()[:300]]
    failed, _ = index.page({"state": "failed"}, FAILED)
    finished, _ = index.page({"state": "completed"}, LATELY)
    seen = overview(here().follower)
    unserved = [
        queue["name"] for queue in seen["queues"] if queue["waiting"] and not queue["workers"]
    ]
    return page(
        "home.html",
        running=[row for row in active if row["worker"]],
        waiting=[row for row in active if not row["worker"]],
        failed=failed,
        finished=finished,
        overview=seen,
        unserved=unserved,
    )


def job(id: str) -> Response:
    row = look.look_up(id)
    shown = details.detail(here().atlas, row)
    files = {file["name"]: file for file in shown["artefacts"]}
    model = next((name for name in ("preview.glb", "model.glb") if name in files), None)
    pictures = [
        name
        for name in files
        if name.endswith((".png", ".webp", ".jpg")) and not name.startswith(("model", "thumbnail"))
    ]
    return page(
        "job.html",
        job=shown,
        row=row,
        files=files,
        model=model,
        pictures=pictures[:24],
        asked=[name.removeprefix("model.") for name in files if name.startswith("model.")],
        log=_log_tail(row),
    )


def report(id: str) -> Response:
    """The job's report.html, shown instead of saved."""
    from webapi.routes.sending import REPORT_CSP, send

    return send(
        look.look_up(id),
        tree.OUTPUT,
        "report.html",
        f"{id}.html",
        "text/html; charset=utf-8",
        REPORT_CSP,
    )


def beside_report(id: str, name: str) -> Any:
    """What the report's links lead to: the file beside it."""
    return redirect(f"/3d/jobs/{quote(id)}/artefacts/{quote(name)}", 302)


def _log_tail(row: Mapping[str, Any]) -> str:
    from webapi.routes.sending import open_below

    try:
        file, facts = open_below(here().atlas, f"{row['folder']}/log.txt")
    except Problem:
        return ""
    with file:
        file.seek(max(0, facts.st_size - 16_000))
        return file.read(16_000).decode("utf-8", "replace")


def done() -> Response:
    args = {
        key: value
        for key, value in request.args.items()
        if key in ("state", "kind", "q", "page_token") and value
    }
    filters, _, token = look.list_query(args)
    filters["state"] = filters["state"] or "completed"
    found, following = here().index.page(filters, GRID, token)
    return page(
        "done.html",
        jobs=found,
        following=following,
        filters=filters,
        token_given=bool(token),
        counts=here().follower.counts,
    )


def docs() -> Response:
    from webapi.routes.openapi import document

    return page("docs.html", api=document(), refusals=MEANINGS)


def problem_page(problem: Problem) -> Response:
    """A refusal for a browser; without a key it is the sign-in page."""
    template = "sign_in.html" if problem.status == 401 else "problem.html"
    response = page(
        template,
        problem.status,
        problem=problem,
        wrong_key=problem.what == "key" and _sent_a_key(),
        next=_wanted(),
    )
    response.headers.update(problem.headers)
    return response


def _wanted() -> str:
    """Where the person wants to be once signed in: this page with its query, or what the sign-in
    page was told before a wrong key was tried."""
    if request.path.endswith("/sign-in"):
        return request.values.get("next", "")
    if request.method != "GET":
        return prefix() + "/"
    query = [(key, value) for key, value in request.args.items(multi=True) if key != "part"]
    return request.path + ("?" + urlencode(query) if query else "")


def _sent_a_key() -> bool:
    return "Authorization" in request.headers or request.path.endswith("/sign-in")


# -- acting ------------------------------------------------------------------------------------


def sign_in() -> Response:
    return page("sign_in.html", problem=None, next=_wanted())


# -- static files ------------------------------------------------------------------------------
def static(name: str) -> Response:
    """Our own files, and the fetched ones below vendor/."""
    folder, inside = (
        (VENDOR, name.removeprefix("vendor/")) if name.startswith("vendor/") else (STATIC, name)
    )
    try:
        response = send_from_directory(
            folder,
            inside,
            # our modules import each other without a version: asked for anew, so that none is stale
            max_age=31_536_000 if request.args.get("v") else 300 if folder is VENDOR else None,
        )
    except NotFound:
        raise Problem(
            404,
            "no-such-file",
            "There is no such file.",
            "`inbox3d viewer` fetches the model viewer.",
        ) from None
    response.direct_passthrough = False
    return response


def mark() -> None:
    """Remember where the events stand before anything is read for a page, so that its stream begins
    there."""
    g.mark = here().events.mark()


@functools.cache
def static_version() -> str:
    """Changes with any of our static files, so that browsers may keep them for a year."""
    digest = hashlib.sha256()
    for path in sorted([*STATIC.iterdir(), *(VENDOR.iterdir() if VENDOR.is_dir() else ())]):
        digest.update(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:10]


# -- words for people --------------------------------------------------------------------------
