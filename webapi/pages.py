"""Pages: server-rendered, readable without JavaScript; one small ES module makes them live. The same pages stand below /3d-test/."""

from __future__ import annotations

import datetime
import functools
import hashlib
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from pipeline.jobs import FORMATS
from webapi import acts, details, jobs, rows, status
from webapi.access import TOKEN_FIELD, TOKEN_HEADER
from webapi.api import asker, here
from webapi.bodies import Generate
from webapi.errors import Problem
from webapi.overview import overview
from webapi.refusals import MEANINGS
from webapi.web import STATIC, VENDOR
from webapi.words import SAID

PREFIXES = ("", "/3d-test")
OPEN = {"sign_in", "static", "do_sign_in", "do_sign_out"}
LATELY, FAILED, GRID = 8, 4, 48
FORM_LIMIT = 64 * 1024


def blueprint(prefix: str) -> Blueprint:
    """The pages below PREFIX."""
    found = Blueprint("test" if prefix else "pages", __name__, url_prefix=prefix or None)
    found.before_request(mark)
    for rule, view in (
        ("/", home),
        ("/jobs/<id>", job),
        ("/done", done),
        ("/docs", docs),
        ("/sign-in", sign_in),
        ("/static/<path:name>", static),
    ):
        found.add_url_rule(rule, view.__name__, view, methods=["GET"])
    for rule, view in (
        ("/do/prompt", do_prompt), ("/do/upload", do_upload), ("/do/cancel/<id>", do_cancel), ("/do/retry/<id>", do_retry),
        ("/do/delete/<id>", do_delete), ("/sign-in", do_sign_in), ("/sign-out", do_sign_out),
    ):  # fmt: skip
        found.add_url_rule(rule, view.__name__, view, methods=["POST"])
    return found


def prefix() -> str:
    return "/3d-test" if request.path.startswith("/3d-test") else ""


def page(template: str, code: int = 200, **content: Any) -> Response:
    """Render TEMPLATE; ?part=1 gives its main part only, which the module puts in place when something changed."""
    who, web = g.get("who"), here()
    if who is not None:
        g.sets_cookie, g.who = True, who._replace(session=who.session or web.access.new_session())
        who = g.who
    may = {scope: _may(scope) for scope in ("submit", "admin")} if who else {}
    text = render_template(
        template, prefix=prefix(), part=bool(request.args.get("part")), token=web.access.token(who) if who else "", who=who, may=may,
        mark=g.get("mark", ""), said=SAID, formats=FORMATS, version=static_version(), **content,
    )  # fmt: skip
    return make_response(text, code)


def _may(scope: Any) -> bool:
    try:
        here().access.permit(asker(), scope)
    except Problem:
        return False
    return True


# -- looking -----------------------------------------------------------------------------------------------------------------
def home() -> Response:
    index = here().index
    active = [details.with_eta(here(), row) for row in index.active()[:300]]
    failed, _ = index.page({"state": "failed"}, FAILED)
    finished, _ = index.page({"state": "completed"}, LATELY)
    seen = overview(here().follower)
    unserved = [queue["name"] for queue in seen["queues"] if queue["waiting"] and not queue["workers"]]
    return page(
        "home.html", running=[row for row in active if row["worker"]], waiting=[row for row in active if not row["worker"]],
        failed=failed, finished=finished, overview=seen, unserved=unserved,
    )  # fmt: skip


def job(id: str) -> Response:
    row = status.look_up(id)
    shown = details.detail(here(), row)
    files = {file["name"]: file for file in shown["artefacts"]}
    model = next((name for name in ("preview.glb", "model.glb") if name in files), None)
    pictures = [name for name in files if name.endswith((".png", ".webp", ".jpg")) and not name.startswith(("model", "thumbnail"))]
    return page("job.html", job=shown, row=row, files=files, model=model, pictures=pictures[:24], log=_log_tail(row))


def _log_tail(row: Mapping[str, Any]) -> str:
    from webapi.files import open_below

    try:
        file, facts = open_below(here().atlas, f"{row['folder']}/log.txt")
    except Problem:
        return ""
    with file:
        file.seek(max(0, facts.st_size - 16_000))
        return file.read(16_000).decode("utf-8", "replace")


def done() -> Response:
    args = {key: value for key, value in request.args.items() if key in ("state", "kind", "q", "page_token") and value}
    filters, _, token = status.list_query(args)
    filters["state"] = filters["state"] or "completed"
    found, following = here().index.page(filters, GRID, token)
    return page("done.html", jobs=found, following=following, filters=filters, token_given=bool(token), counts=here().follower.counts)


def docs() -> Response:
    from webapi.openapi import document

    return page("docs.html", api=document(), refusals=MEANINGS)


def problem_page(problem: Problem) -> Response:
    """A refusal for a browser; without a key it is the sign-in page."""
    template = "sign_in.html" if problem.status == 401 else "problem.html"
    response = page(template, problem.status, problem=problem, next=request.path if request.method == "GET" else prefix() + "/")
    response.headers.update(problem.headers)
    return response


# -- acting ------------------------------------------------------------------------------------------------------------------
def _form(scope: Any = "submit") -> Mapping[str, str]:
    """The fields of a small form whose sender may do SCOPE and whose token is right."""
    here().access.permit(asker(), scope)
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise Problem(415, "media-type", "This takes a form.", "Use the pages, or the routes below /3d/.")
    if (request.content_length or 0) > FORM_LIMIT:
        raise Problem(413, "too-large", "This is no form of ours.")
    here().access.check_token(asker(), request.form.get(TOKEN_FIELD) or request.headers.get(TOKEN_HEADER))
    return request.form


def do_prompt() -> Any:
    said = {key: [value] for key, value in _form().items() if key in ("prompt", "output_format", "quality_tier") and value.strip()}
    options = jobs.options_of("prompt", said)
    return redirect(f"{prefix()}/jobs/{jobs.new_prompt(Generate.model_validate({**options, 'prompt': options.get('prompt', '')}))}", 303)


def do_upload() -> Any:
    here().access.permit(asker(), "submit")

    def check(fields: dict[str, list[str]]) -> None:
        here().access.check_token(asker(), (fields.get(TOKEN_FIELD) or [""])[0] or request.headers.get(TOKEN_HEADER))

    return redirect(f"{prefix()}/jobs/{jobs.receive(None, check)}", 303)


def do_cancel(id: str) -> Any:
    _form()
    acts.cancel_job(id)
    return redirect(f"{prefix()}/jobs/{id}", 303)


def do_retry(id: str) -> Any:
    _form()
    return redirect(f"{prefix()}/jobs/{acts.retry_job(id)[0]}", 303)


def do_delete(id: str) -> Any:
    _form("admin")
    acts.delete_job(id)
    return redirect(prefix() + "/done", 303)


def sign_in() -> Response:
    return page("sign_in.html", problem=None, next=request.args.get("next", ""))


def do_sign_in() -> Any:
    access = here().access
    access.check_token(asker(), request.form.get(TOKEN_FIELD))
    key = here().keys.check(request.form.get("key", "").strip())
    if key is None:
        access.slow_down(request)
        access.note_failure(request)
        raise Problem(401, "key", "This key is not known here.", "Paste the whole key, from i3d_ to its end.")
    g.who, g.sets_cookie = g.who._replace(key=key, session=access.new_session()), True
    wanted = request.form.get("next", "")
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return redirect(wanted if inside else prefix() + "/", 303)


def do_sign_out() -> Any:
    here().access.check_token(asker(), request.form.get(TOKEN_FIELD))
    here().access.end(asker().session)
    g.who, g.sets_cookie = g.who._replace(key=None, session=here().access.new_session()), True
    return redirect(prefix() + "/", 303)


# -- static files ------------------------------------------------------------------------------------------------------------
def static(name: str) -> Response:
    """Our own files, and the fetched ones below vendor/."""
    folder, inside = (VENDOR, name.removeprefix("vendor/")) if name.startswith("vendor/") else (STATIC, name)
    try:
        response = send_from_directory(folder, inside, max_age=31_536_000 if request.args.get("v") else 300)
    except NotFound:
        raise Problem(404, "no-such-file", "There is no such file.", "`make setup` fetches the model viewer.") from None
    response.direct_passthrough = False
    return response


def mark() -> None:
    """Remember where the events stand before anything is read for a page, so that its stream begins there."""
    g.mark = here().events.mark()


@functools.cache
def static_version() -> str:
    """Changes with any of our static files, so that browsers may keep them for a year."""
    digest = hashlib.sha256()
    for path in sorted([*STATIC.iterdir(), *(VENDOR.iterdir() if VENDOR.is_dir() else ())]):
        digest.update(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:10]


# -- words for people --------------------------------------------------------------------------------------------------------
def ago(text: str | None) -> str:
    """How long ago TEXT (UTC) was, for the eye."""
    try:
        when = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return ""
    seconds = (datetime.datetime.now(datetime.UTC) - (when if when.tzinfo else when.replace(tzinfo=datetime.UTC))).total_seconds()
    for limit, unit, name in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (14 * 86400, 86400, "d")):
        if abs(seconds) < limit:
            return "just now" if seconds < 10 else f"{seconds / unit:.0f} {name} ago"
    return f"{when:%-d %b %Y}"


def took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


FILTERS = {"ago": ago, "took": took, "size": size, "said": lambda word: SAID.get(word, word), "asset": rows.asset_path}
