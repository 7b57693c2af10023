"""Pages that are looked at: rendered here, readable without JavaScript; one small ES module makes
them live. The same pages stand below /3d-test/."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from flask import (
    Response,
    g,
    redirect,
    request,
)

from layout import lifecycle, tree
from webapi.index import details
from webapi.index.overview import overview
from webapi.index.states import ENDED
from webapi.pages.choices import Choice, choices, said
from webapi.pages.page import page, wanted
from webapi.problems import Problem, named
from webapi.routes import look
from webapi.routes.answers import EXAMPLE_ID
from webapi.routes.examples import filled
from webapi.routes.table import ROUTES, asker, here

UNUSED = "not used: "
LATELY, FAILED, GRID = 8, 4, 48
LOG_TAIL = 16_000  # bytes
LIBRARY = ("state", "kind", "label", "tag", "q", "from", "to", "sort", "page_token")
ORDERS = {
    "newest": "newest first",
    "oldest": "oldest first",
    "name": "by name",
    "largest": "largest first",
}


def home() -> Response:
    index = here().index
    active = details.all_with_eta(here().follower, index.active()[:300])
    failed = index.page({"state": "failed"}, FAILED).rows
    finished = index.page({"state": "completed"}, LATELY).rows
    seen = overview(here().follower)
    unserved = [
        queue["name"] for queue in seen["queues"] if queue["waiting"] and not queue["workers"]
    ]
    return page(
        "home.html",
        running=[row for row in active if row["worker"]],
        waiting=sorted(
            (row for row in active if not row["worker"]), key=lambda row: row.get("position") or 0
        ),
        mine=sum(row["submitter"] == asker().name for row in active),
        failed=failed,
        finished=finished,
        overview=seen,
        unserved=unserved,
        presets=sorted(here().settings.presets),
        upload_choices=choices("scan", "convert", "images"),
        prompt_choices=choices("prompt"),
    )


def job(id: str) -> Response:
    row = look.look_up(id)
    shown = details.detail(here().atlas, row)
    files = {file["name"]: file for file in shown["artefacts"]}
    model = next((name for name in ("inspect.glb", "model.glb") if name in files), None)
    pictures = [
        name
        for name in files
        if name.endswith((".png", ".webp", ".jpg"))
        and not name.startswith(("model", "inspect", "thumbnail"))
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
        remarks=_remarks(shown),
        again=_again(shown),
        presets=sorted(here().settings.presets),
    )


def _remarks(shown: Mapping[str, Any]) -> list[str]:
    """What the pipeline said of its work, then what the intake said of the drop and it did not: the
    intake guessed what would not be used, the pipeline knew and said why."""
    told = list(dict.fromkeys(shown["provenance"].get("warnings") or []))
    unused = " ".join(line for line in told if line.startswith("not used"))
    more = sum(int(count) for count in re.findall(r"and (\d+) more", unused))
    said = {line.rstrip(".") for line in told}
    for note in shown["notes"]:
        names = note.removeprefix(UNUSED).split(", ") if note.startswith(UNUSED) else []
        only_here = [name for name in names if name not in unused]
        known = bool(names) and len(only_here) <= (more if len(only_here) < len(names) else 0)
        if note.rstrip(".") not in said and not known:
            told.append(note)
    return told


def _again(shown: Mapping[str, Any]) -> tuple[Choice, ...]:
    """The options of an ended job, each as it was, for those who may run it again."""
    if shown["state"] not in ENDED or shown["kind"] is None:
        return ()
    had = shown["options"]
    return tuple(one._replace(default=said(had.get(one.name))) for one in choices(shown["kind"]))


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
        file, facts = open_below(here().atlas, f"{row['folder']}/{tree.LOG}")
    except Problem:
        return ""
    with file:
        file.seek(max(0, facts.st_size - LOG_TAIL))
        text = file.read(LOG_TAIL).decode("utf-8", "replace")
    return text if facts.st_size <= LOG_TAIL else text.partition("\n")[2] or text


def done() -> Response:
    args = {key: value for key, value in request.args.items() if key in LIBRARY and value}
    asked = {key: value for key, value in args.items() if key not in ("from", "to")}
    if "from" in args:
        asked["since"] = args["from"]
    if "to" in args:
        asked["until"] = _day_after(args["to"])
    filters, _, token = look.list_query(asked)
    filters["state"] = filters["state"] or "completed"
    found = here().index.page(filters, GRID, token)
    kept = {key: value for key, value in args.items() if key != "page_token"}
    return page(
        "done.html",
        jobs=found.rows,
        following=found.following,
        previous=found.previous,
        filters=filters | {key: args.get(key) for key in ("from", "to")},
        kept=urlencode({"state": filters["state"]} | kept),
        narrow=set(kept) - {"state", "sort"},
        orders=ORDERS,
        tags=here().index.tags(),
        counts=here().follower.counts,
    )


def trash() -> Response:
    here().access.permit(asker(), "admin")
    found = lifecycle.trashed(here().atlas)[:500]
    return page("trash.html", jobs=[(day, id) for day, id, _ in found])


def _day_after(day: str) -> str:
    """The day after DAY, so that a list up to DAY has all of it; DAY where it is none."""
    try:
        return str(datetime.date.fromisoformat(day) + datetime.timedelta(days=1))
    except (ValueError, OverflowError):
        return day


def docs() -> Response:
    from webapi.routes.openapi import document

    latest = here().index.page({"state": "completed"}, 1).rows
    job = latest[0]["id"] if latest else EXAMPLE_ID
    url = request.host_url.rstrip("/")
    return page(
        "docs.html",
        routes=[(route, route.rule, filled(route.name, url, job)) for route in ROUTES],
        api=document(),
        refusals=named(),
        latest=job,
    )


def sign_in() -> Response:
    return page("sign_in.html", problem=None, next=wanted())


def mark() -> None:
    """Remember where the events stand before anything is read for a page, so that its stream begins
    there."""
    g.mark = here().events.mark()
