"""Looking at jobs over HTTP: one job's status, lists, everything about a job."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from layout import lifecycle
from webapi.index import details, rows
from webapi.index.paging import ORDERS
from webapi.index.schema import Row
from webapi.index.states import ENDED, WORDS
from webapi.problems import Problem
from webapi.routes.job_answers import Detail, JobList, Status
from webapi.routes.table import Param, answer, here, route
from webapi.text import clean
from webapi.uploads import checks


def look_up(id: str) -> Row:
    """The row of job ID, from the index where it can be trusted, else from the tree; Problem
    404."""
    web, row = here(), None
    with contextlib.suppress(SQLAlchemyError):  # the tree knows better anyhow
        row = web.index.get(id)
    if row is not None and (
        rows.stands(web.atlas, row) if row["state"] in ENDED else web.follower.fresh
    ):
        return details.with_eta(web.follower, row)
    for _ in range(2):
        place = lifecycle.find(web.atlas, id)
        if place is not None and (row := web.follower.note(place)):
            return details.with_eta(web.follower, row)
    raise Problem(404, "no-such-job", f"There is no job {clean(id, 80)!r}.")


@route("GET", "/3d/status/{id}", {200: Status}, problems=(404,))
def status(id: str) -> Response:
    """Where a job stands, in one line."""
    return answer(Status, rows.status(look_up(id)))


PAGE = (
    Param(
        "state",
        "query",
        {"type": "string", "enum": [*WORDS, "active"]},
        "only jobs in this state; `active`: all that have not ended",
    ),
    Param(
        "kind",
        "query",
        {"type": "string", "enum": ["scan", "images", "prompt", "convert"]},
        "only jobs of this kind",
    ),
    Param(
        "q",
        "query",
        {"type": "string", "maxLength": 200},
        "words that the name or the id must hold",
    ),
    Param(
        "since",
        "query",
        {"type": "string", "format": "date-time"},
        "submitted at or after this time",
    ),
    Param(
        "until",
        "query",
        {"type": "string", "format": "date-time"},
        "submitted before this time",
    ),
    Param(
        "label",
        "query",
        {"type": "string", "enum": ["draft", "placeholder"]},
        "only results that are no more than that",
    ),
    Param("tag", "query", {"type": "string", "maxLength": 40}, "only jobs with this tag"),
    Param(
        "sort",
        "query",
        {"type": "string", "enum": [*ORDERS], "default": "newest"},
        "in which order: by when they were submitted, by name, or by the size of their drop",
    ),
    Param(
        "page_size",
        "query",
        {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
        "jobs on a page",
    ),
    Param("page_token", "query", {"type": "string"}, "next_page_token of the page before"),
)


@route("GET", "/3d/jobs", {200: JobList}, params=PAGE, problems=(422,))
def jobs() -> Response:
    """List jobs, newest first where sort does not say otherwise.
    Pages follow AIP-158: send next_page_token (or previous_page_token) back as page_token until it
    is null."""
    filters, size, token = list_query(request.args)
    found, following, previous = here().index.page(filters, size, token)
    counts = here().follower.counts
    wanted = {None: WORDS, "active": [word for word in WORDS if word not in ENDED]}.get(
        filters["state"] or None, [str(filters["state"])]
    )
    narrow = any(filters[key] for key in ("kind", "q", "since", "until", "label", "tag"))
    total = None if narrow else sum(counts.get(word, 0) for word in wanted)
    return answer(
        JobList,
        {
            "jobs": [rows.summary(row) for row in found],
            "next_page_token": following,
            "previous_page_token": previous,
            "total": total,
        },
    )


def list_query(args: Mapping[str, str]) -> tuple[dict[str, str | None], int, str | None]:
    """(filters, page size, page token) of a list's query; Problem 422 names what is wrong."""
    known = {param.name: param for param in PAGE}
    if unknown := [key for key in args if key not in known]:
        raise Problem(422, "invalid", f"{clean(unknown[0], 40)}: there is no such filter.")
    for key in ("since", "until"):
        if args.get(key) == "":
            raise Problem(422, "invalid", f"{key}: it is empty.", f"Leave {key} out.")
    for key in ("state", "kind", "label", "sort"):
        if args.get(key) and args[key] not in known[key].schema["enum"]:
            raise Problem(
                422, "invalid", f"{key}: must be one of {', '.join(known[key].schema['enum'])}."
            )
    size = args.get("page_size", "50")
    if not (size.isascii() and size.isdigit() and 1 <= int(size[:6]) <= 500):
        raise Problem(422, "invalid", "page_size: must be 1 to 500.")
    if any("\0" in value for value in args.values()) or len(args.get("q", "")) > 200:
        raise Problem(422, "invalid", "q: at most 200 characters, none of them NUL.")
    return (
        {
            "state": args.get("state"),
            "kind": args.get("kind"),
            "q": args.get("q"),
            "since": checks.utc(args.get("since"), "since"),
            "until": checks.utc(args.get("until"), "until"),
            "label": args.get("label"),
            "tag": args.get("tag"),
            "sort": args.get("sort"),
        },
        int(size),
        args.get("page_token"),
    )


@route("GET", "/3d/jobs/{id}", {200: Detail}, problems=(404,))
def job(id: str) -> Response:
    """Everything about one job: options, files, starts, results, error."""
    return answer(Detail, details.detail(here().atlas, look_up(id)))
