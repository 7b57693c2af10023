"""Jobs over HTTP: submitting, looking, cancelling, retrying, deleting. Each handler translates; the
folder decides."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask import Response, request
from pydantic import ValidationError

from layout import lifecycle, tree, walk
from pipeline.jobs import ImagesOptions
from pipeline.submission import capacity, job_view, submit
from webapi.notify.metrics import UPLOADED
from webapi.problems import Problem, invalid
from webapi.routes import schemas
from webapi.routes.schemas import FromImage, Generate, Submitted
from webapi.routes.table import Param, answer, asker, here, parsed, route
from webapi.text import clean
from webapi.uploads import checks, idempotency, named_images, quota, zips
from webapi.uploads import receive as uploads

log = logging.getLogger(__name__)

IDEMPOTENCY = Param(
    "Idempotency-Key",
    "header",
    {"type": "string", "minLength": 1, "maxLength": 255},
    "the same key and body give the same job",
)
NAME = Param(
    "name",
    "query",
    {"type": "string", "maxLength": 200},
    "what the object is called; where the body is one file, the file is called so too",
)


# -- submitting --------------------------------------------------------------------------------
@route(
    "POST",
    "/3d/generate",
    {202: Submitted},
    body=Generate,
    problems=(429,),
    scope="submit",
    params=(IDEMPOTENCY,),
)
def generate() -> Response:
    """Make a model from a sentence.
    The sentence becomes prompt.txt in the job's input/."""
    body = parsed(Generate)
    return submitted(new_prompt(body))


@route(
    "POST",
    "/3d/from-image",
    {202: Submitted},
    body=FromImage,
    uploads=(ImagesOptions,),
    problems=(429,),
    scope="submit",
    params=(IDEMPOTENCY,),
)
def from_image() -> Response:
    """Make a model from one or several images. Name them by address (image_urls, fetched by a
    worker through a guard), by path below inputs/ on the share (image_paths), or send them as
    multipart/form-data together with the options."""
    if request.mimetype == "multipart/form-data":
        return submitted(receive("images"))
    return submitted(new_images(parsed(FromImage)))


@route(
    "POST",
    "/3d/from-scan",
    {202: Submitted},
    uploads=schemas.SCAN_LIKE,
    problems=(429,),
    scope="submit",
    params=(IDEMPOTENCY, NAME),
)
def from_scan() -> Response:
    """Make a model from raw scan passes. multipart/form-data with any number of files and the
    options as fields, or one file or zip as the body with the options in the query. It is judged
    like a folder dropped into inbox/: one mesh alone is converted, images become an images job.
    `name` is what the object is called, whichever way it is sent."""
    return submitted(receive(None))


def submitted(id: str) -> Response:
    url = f"/3d/status/{id}"
    told = {"job_id": id, "status_url": url}
    if waits_for := _waits_for(id):
        told["waits_for"] = waits_for
    return answer(Submitted, told, 202, {"Location": url})


def _waits_for(id: str) -> str:
    """What is known before the job is accepted: that it is too large for every live worker."""
    web = here()
    place = lifecycle.find(web.atlas, id)
    job = job_view.job_at(web.atlas, place) if place else None
    workers = web.follower.workers()
    return capacity.told_at_submission(web.atlas, job, workers) if job else ""


def new_prompt(body: Generate) -> str:
    options = body.model_dump(mode="json")
    return _new(
        options,
        " ".join(body.prompt.split())[:60],
        lambda draft: uploads.write_text(draft, here().atlas, tree.PROMPT, body.prompt + "\n"),
    )


def new_images(body: FromImage) -> str:
    atlas = here().atlas
    paths = list(dict.fromkeys(named_images.image_path(atlas, path) for path in body.image_paths))
    lan = here().settings.worker.image_lan
    asked = (
        {"image_paths": paths}
        if paths
        else {"image_urls": [checks.address(url, "image_urls", lan) for url in body.image_urls]}
    )
    name = (paths or [url.partition("?")[0] for url in body.image_urls])[0].rstrip("/").rpartition(
        "/"
    )[2] or "image"
    options = body.model_dump(mode="json") | {key: list(value) for key, value in asked.items()}

    def fill(draft: Path) -> None:
        named_images.copy_images(atlas, paths, draft)
        uploads.write_request(draft, atlas, asked)

    return _new(options, name, fill, Path(name).stem)


def _new(options: dict[str, Any], name: str, fill: Callable[[Path], None], stem: str = "") -> str:
    """Submit a job called NAME (its id begins with STEM, where that differs) whose input is written
    by FILL."""
    web = here()
    _may_submit(options)
    draft = submit.open_draft(web.atlas, stem or name)
    try:
        fill(draft)
        mark = idempotency.fingerprint(request.path, json.dumps(options, sort_keys=True))
        return _seal(draft, options, clean(name, 200), mark)
    except BaseException:
        web.atlas.disk.remove_tree(draft)
        raise


def receive(
    kind: str | None, check: Callable[[dict[str, list[str]]], None] = lambda fields: None
) -> str:
    """Submit what is being uploaded. KIND: None where the content decides."""
    web = here()
    _may_submit({})
    idempotency.checked(request.headers.get("Idempotency-Key"))
    announced = request.content_length or 0
    if announced > web.settings.web.max_upload_gb * 1e9:
        raise uploads.too_large(web.settings.web)
    with quota.arriving(web, asker().name, announced) as count:

        def counted(size: int) -> None:
            UPLOADED.inc(size)
            count(size)

        upload = uploads.Upload(web.atlas, web.settings.web, request, counted, check)
        received = upload.receive()
        return _received(kind, upload, received)


def _received(kind: str | None, upload: uploads.Upload, received: uploads.Received) -> str:
    web = here()
    try:
        options = options_of(kind, received.fields)
        if options.get("image_paths") or options.get("image_urls"):
            raise Problem(
                422, "invalid", "Send files, or name image_urls or image_paths: one of them."
            )
        _may_submit(options)
        inside = received.draft / tree.INPUT
        for path, _ in walk.files_below(web.atlas.disk, inside):
            zips.check(inside / path)
        mark = idempotency.fingerprint(
            request.path, received.digest, json.dumps(options, sort_keys=True), received.name
        )
        return _seal(received.draft, options, received.name, mark)
    except BaseException:
        upload.discard()
        raise


def options_of(kind: str | None, fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """Form fields as a request, validated by its kind; where the content will decide, one kind must
    fit and only what was said is kept."""
    said = {
        key: values
        for key, values in fields.items()
        if key not in ("csrf", "name") and values != [""]
    }
    kind = (
        said.pop("kind", [kind or ""])[0] if kind is None else said.pop("kind", [kind])[0]
    ) or None
    problem: Problem | None = None
    for model in schemas.SCAN_LIKE:
        own = model.model_fields["kind"].default
        if kind not in (None, own):
            continue
        request_ = {
            key: values if _is_list(model, key) and len(values) > 1 else _one(model, key, values)
            for key, values in said.items()
        }
        try:
            full = model.model_validate(request_).model_dump(mode="json")
        except ValidationError as error:
            problem = problem or invalid(error)
            continue
        return full if kind else {key: full[key] for key in request_}
    raise problem or Problem(
        422,
        "invalid",
        f"kind: there is no kind {clean(kind or '', 40)!r}.",
        errors=[{"field": "kind", "message": "unknown"}],
    )


def _is_list(model: Any, key: str) -> bool:
    return key in model.model_fields and str(model.model_fields[key].annotation).startswith("tuple")


def _one(model: Any, key: str, values: list[str]) -> Any:
    if len(set(values)) > 1:
        raise Problem(
            422, "invalid", f"{clean(key, 40)}: it was sent twice, with different values."
        )
    return [part.strip() for part in values[0].split(",")] if _is_list(model, key) else values[-1]


def _may_submit(options: Mapping[str, Any]) -> None:
    """Quota, room, and whether a live worker can do it at all."""
    web = here()
    quota.check(web, asker().name, 0)
    checks.can_be_done(options, web.follower.workers())
    if url := options.get("webhook_url"):
        checks.webhook(url, web.settings.web.webhook_lan)


def _seal(draft: Any, options: Mapping[str, Any], name: str, mark: str) -> str:
    web, who = here(), asker()
    if key := idempotency.checked(request.headers.get("Idempotency-Key")):
        draft, known = idempotency.keep(web.atlas, who.name, key, draft, mark)
        if known:
            web.atlas.disk.remove_tree(draft)
            return known
    with quota.coming(web, who.name):
        place = submit.seal(web.atlas, draft, options, name, "api", by=who.name)
        web.follower.note(place)
    log.info("job.submitted job=%s by=%s", place.id, who.name)
    return place.id
