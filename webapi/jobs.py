"""Jobs over HTTP: submitting, looking, cancelling, retrying, deleting. Each handler translates; the folder decides."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from flask import Response, request
from pydantic import ValidationError

from layout import accept, lifecycle, tree
from layout.lifecycle import Gone, Occupied
from layout.manifest import JobFile
from layout.tree import Place, State
from pipeline import submit
from webapi import bodies, checks, details, idem, inputs, rows, zips
from webapi.api import Param, answer, asker, here, parsed, route
from webapi.bodies import FromImage, Generate, JobList, Retried, Status, Submitted
from webapi.errors import Problem, invalid
from webapi.index import Row
from webapi.words import ENDED, WORDS

IDEMPOTENCY = Param(
    "Idempotency-Key", "header", {"type": "string", "minLength": 1, "maxLength": 255}, "the same key and body give the same job"
)
NAME = Param("name", "query", {"type": "string", "maxLength": 200}, "the file's name, where the body is one file")
TURNS = 8
T = TypeVar("T")


# -- submitting --------------------------------------------------------------------------------------------------------------
@route("POST", "/3d/generate", {202: Submitted}, body=Generate, problems=(429,), scope="submit", params=(IDEMPOTENCY,))
def generate() -> Response:
    """Make a model from a sentence.
    The sentence becomes prompt.txt in the job's input/."""
    body = parsed(Generate)
    return submitted(new_prompt(body))


@route("POST", "/3d/from-image", {202: Submitted}, body=FromImage, uploads=True, problems=(429,), scope="submit", params=(IDEMPOTENCY,))
def from_image() -> Response:
    """Make a model from one or several images.
    Name them by address (image_urls, fetched by a worker through a guard), by path below inputs/ on the share (image_paths), or send
    them as multipart/form-data together with the options."""
    if request.mimetype == "multipart/form-data":
        return submitted(receive("images"))
    return submitted(new_images(parsed(FromImage)))


@route("POST", "/3d/from-scan", {202: Submitted}, uploads=True, problems=(429,), scope="submit", params=(IDEMPOTENCY, NAME))
def from_scan() -> Response:
    """Make a model from raw scan passes.
    multipart/form-data with any number of files and the options as fields, or one zip. It is judged like a folder dropped into inbox/: one
    mesh alone is converted, images become an images job."""
    return submitted(receive(None))


def submitted(id: str) -> Response:
    url = f"/3d/status/{id}"
    return answer(Submitted, {"job_id": id, "status_url": url}, 202, {"Location": url})


def new_prompt(body: Generate) -> str:
    options = body.model_dump(mode="json")
    return _new(
        options, " ".join(body.prompt.split())[:60], lambda draft: inputs.write_text(draft, here().atlas, tree.PROMPT, body.prompt + "\n")
    )


def new_images(body: FromImage) -> str:
    atlas = here().atlas
    paths = list(dict.fromkeys(inputs.image_path(atlas, path) for path in body.image_paths))
    asked = {"image_paths": paths} if paths else {"image_urls": [checks.address(url, "image_urls") for url in body.image_urls]}
    name = (paths or [url.partition("?")[0] for url in body.image_urls])[0].rstrip("/").rpartition("/")[2] or "image"
    options = body.model_dump(mode="json") | {key: list(value) for key, value in asked.items()}

    def fill(draft: Path) -> None:
        inputs.copy_images(atlas, paths, draft)
        inputs.write_request(draft, atlas, asked)

    return _new(options, name, fill)


def _new(options: dict[str, Any], name: str, fill: Callable[[Any], None]) -> str:
    """Submit a job whose input is written by FILL."""
    web = here()
    _may_submit(options)
    draft = submit.open_draft(web.atlas, name)
    try:
        fill(draft)
        mark = idem.fingerprint(request.path, json.dumps(options, sort_keys=True))
        return _seal(draft, options, rows.shown(name, 200), mark)
    except BaseException:
        web.atlas.disk.remove_tree(draft)
        raise


def receive(kind: str | None, check: Callable[[dict[str, list[str]]], None] = lambda fields: None) -> str:
    """Submit what is being uploaded. KIND: None where the content decides."""
    web = here()
    _may_submit({})
    idem.checked(request.headers.get("Idempotency-Key"))
    upload = inputs.Upload(web.atlas, web.settings.web, request, check)
    received = upload.receive()
    try:
        options = options_of(kind, received.fields)
        _may_submit(options)
        inside = received.draft / tree.INPUT
        for path, _ in accept.files_below(web.atlas.disk, inside):
            zips.check(inside / path)
        mark = idem.fingerprint(request.path, received.digest, json.dumps(options, sort_keys=True), received.name)
        return _seal(received.draft, options, received.name, mark)
    except BaseException:
        upload.discard()
        raise


def options_of(kind: str | None, fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """Form fields as a request, validated by its kind; where the content will decide, one kind must fit and only what was said is kept."""
    said = {key: values for key, values in fields.items() if key not in ("csrf", "name") and values != [""]}
    kind = (said.pop("kind", [kind or ""])[0] if kind is None else said.pop("kind", [kind])[0]) or None
    problem: Problem | None = None
    for model in bodies.SCAN_LIKE:
        own = model.model_fields["kind"].default
        if kind not in (None, own):
            continue
        request_ = {key: values if _is_list(model, key) and len(values) > 1 else _one(model, key, values) for key, values in said.items()}
        try:
            full = model.model_validate(request_).model_dump(mode="json")
        except ValidationError as error:
            problem = problem or invalid(error)
            continue
        return full if kind else {key: full[key] for key in request_}
    raise problem or Problem(
        422, "invalid", f"kind: there is no kind {rows.shown(kind or '', 40)!r}.", errors=[{"field": "kind", "message": "unknown"}]
    )


def _is_list(model: Any, key: str) -> bool:
    return key in model.model_fields and str(model.model_fields[key].annotation).startswith("tuple")


def _one(model: Any, key: str, values: list[str]) -> Any:
    return [part.strip() for part in values[0].split(",")] if _is_list(model, key) else values[-1]


def _may_submit(options: Mapping[str, Any]) -> None:
    """Quota, room, and whether a live worker can do it at all."""
    web, who = here(), asker()
    if web.index.unfinished_of(who.name) >= web.settings.web.max_waiting:
        raise Problem(
            429, "quota", f"{who.name} has {web.settings.web.max_waiting} jobs waiting or running already.",
            "Wait until some have ended.", headers={"Retry-After": "60"},
        )  # fmt: skip
    inputs.room(web.atlas, web.settings.web, 0)
    checks.can_be_done(options, web.follower.workers())
    if url := options.get("webhook_url"):
        checks.webhook(url, web.settings.web.webhook_lan)


def _seal(draft: Any, options: Mapping[str, Any], name: str, mark: str) -> str:
    web, who = here(), asker()
    if key := idem.checked(request.headers.get("Idempotency-Key")):
        draft, known = idem.keep(web.atlas, who.name, key, draft, mark)
        if known:
            web.atlas.disk.remove_tree(draft)
            return known
    place = submit.seal(web.atlas, draft, options, name, "api", by=who.name)
    web.follower.note(place)
    return place.id


# -- looking -----------------------------------------------------------------------------------------------------------------
def look_up(id: str) -> Row:
    """The row of job ID, from the index where it can be trusted, else from the tree; Problem 404."""
    web = here()
    row = web.index.get(id)
    if row is not None and (rows.stands(web.atlas, row) if row["state"] in ENDED else web.follower.fresh):
        return details.with_eta(web, row)
    for _ in range(2):
        place = rows.find(web.atlas, id)
        if place is not None and (row := web.follower.note(place)):
            return details.with_eta(web, row)
    raise Problem(404, "no-such-job", f"There is no job {rows.shown(id, 80)!r}.")


@route("GET", "/3d/status/{id}", {200: Status}, problems=(404,))
def status(id: str) -> Response:
    """Where a job stands, in one line."""
    return answer(Status, rows.status(look_up(id)))


PAGE = (
    Param("state", "query", {"type": "string", "enum": [*WORDS, "active"]}, "only jobs in this state; `active`: all that have not ended"),
    Param("kind", "query", {"type": "string", "enum": ["scan", "images", "prompt", "convert"]}, "only jobs of this kind"),
    Param("q", "query", {"type": "string", "maxLength": 200}, "words that the name or the id must hold"),
    Param("since", "query", {"type": "string", "format": "date-time"}, "submitted at or after this time"),
    Param("page_size", "query", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, "jobs on a page"),
    Param("page_token", "query", {"type": "string"}, "next_page_token of the page before"),
)


@route("GET", "/3d/jobs", {200: JobList}, params=PAGE, problems=(422,))
def jobs() -> Response:
    """List jobs, newest first.
    Pages follow AIP-158: send next_page_token back as page_token until it is null."""
    filters, size, token = list_query(request.args)
    found, following = here().index.page(filters, size, token)
    counts = here().follower.counts
    total = counts.get(str(filters["state"]), 0) if filters["state"] in WORDS else sum(counts.values()) if not filters["state"] else None
    narrow = any(filters[key] for key in ("kind", "q", "since"))
    return answer(JobList, {"jobs": [rows.summary(row) for row in found], "next_page_token": following, "total": None if narrow else total})


def list_query(args: Mapping[str, str]) -> tuple[dict[str, str | None], int, str | None]:
    """(filters, page size, page token) of a list's query; Problem 422 names what is wrong."""
    known = {param.name: param for param in PAGE}
    if unknown := [key for key in args if key not in known]:
        raise Problem(422, "invalid", f"{rows.shown(unknown[0], 40)}: there is no such filter.")
    for key in ("state", "kind"):
        if args.get(key) and args[key] not in known[key].schema["enum"]:
            raise Problem(422, "invalid", f"{key}: must be one of {', '.join(known[key].schema['enum'])}.")
    size = args.get("page_size", "50")
    if not (size.isascii() and size.isdigit() and 1 <= int(size[:6]) <= 500):
        raise Problem(422, "invalid", "page_size: must be 1 to 500.")
    since = args.get("since")
    if any("\0" in value for value in args.values()) or len(args.get("q", "")) > 200:
        raise Problem(422, "invalid", "q: at most 200 characters, none of them NUL.")
    return (
        {"state": args.get("state"), "kind": args.get("kind"), "q": args.get("q"), "since": checks.utc(since)},
        int(size),
        args.get("page_token"),
    )


@route("GET", "/3d/jobs/{id}", {200: bodies.Detail}, problems=(404,))
def job(id: str) -> Response:
    """Everything about one job: options, files, starts, results, error."""
    return answer(bodies.Detail, details.detail(here(), look_up(id)))


# -- acting ------------------------------------------------------------------------------------------------------------------
@route("POST", "/3d/jobs/{id}/cancel", {200: Status}, scope="submit", problems=(404, 409))
def cancel(id: str) -> Response:
    """Stop a job, waiting or running.
    It goes to failed/ with the message `cancelled`; its input stays."""
    return answer(Status, rows.status(cancel_job(id)))


def cancel_job(id: str) -> Row:
    web = here()

    def act(place: Place) -> Row | None:
        if place.state in (State.DONE, State.FAILED):
            raise Problem(409, "ended", f"{id} has ended already: it is in {place.state.value}/.")
        ended = lifecycle.tidy(web.atlas, lifecycle.cancel(web.atlas, place))
        return web.follower.note(ended) if ended else None

    return _act(id, act)


@route("POST", "/3d/jobs/{id}/retry", {202: Retried}, scope="submit", problems=(404, 409))
def retry(id: str) -> Response:
    """Run a failed job again, or a done one as a new job with a copy of its input."""
    new, of = retry_job(id)
    url = f"/3d/status/{new}"
    return answer(Retried, {"job_id": new, "status_url": url, "retry_of": of}, 202, {"Location": url})


def retry_job(id: str) -> tuple[str, str | None]:
    web = here()

    def act(place: Place) -> tuple[str, str | None] | None:
        if place.state not in (State.DONE, State.FAILED):
            raise Problem(409, "not-ended", f"{id} has not ended: it is in {place.state.value}/.", "Cancel it first, or wait.")
        job = lifecycle.readable_job(web.atlas, place.path)
        if place.state is State.FAILED and not web.changing:
            web.follower.note(lifecycle.retry(web.atlas, place))
            return id, None
        if job is None:
            raise Problem(409, "not-ended", f"{id} has no job.json to retry from.")
        again = submit.submit_again(web.atlas, place, _copied(job))
        web.follower.note(again)
        return again.id, id

    return _act(id, act)


def _copied(job: JobFile) -> JobFile:
    return job.model_copy(update={"source": job.source.model_copy(update={"origin": "api"})})


@route("DELETE", "/3d/jobs/{id}", {204: None}, scope="admin", problems=(404, 409))
def delete(id: str) -> Response:
    """Move a done or failed job to the trash, where it stays 30 days."""
    delete_job(id)
    return Response(status=204)


def delete_job(id: str) -> None:
    web = here()

    def act(place: Place) -> bool:
        if place.state not in (State.DONE, State.FAILED):
            raise Problem(409, "not-ended", f"{id} has not ended: it is in {place.state.value}/.", "Cancel it first.")
        lifecycle.delete(web.atlas, place)
        web.follower.forget(id)
        return True

    _act(id, act)


def _act(id: str, act: Callable[[Place], T | None]) -> T:
    """Do ACT where job ID stands now; it may be on the move, so look again a few times."""
    for _ in range(TURNS):
        place = rows.find(here().atlas, id)
        if place is None:
            raise Problem(404, "no-such-job", f"There is no job {rows.shown(id, 80)!r}.")
        try:
            if (done := act(place)) is not None:
                return done
        except (Gone, Occupied):
            pass
        _PAUSE.wait(0.15)
    raise Problem(409, "moving", f"{id} keeps moving.", "Try again in a moment.", headers={"Retry-After": "1"})


_PAUSE = threading.Event()
