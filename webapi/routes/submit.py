"""Jobs over HTTP: submitting, looking, cancelling, retrying, deleting. Each handler translates; the
folder decides."""

from __future__ import annotations

from flask import Response, request

from layout import lifecycle
from pipeline.jobs import ImagesOptions
from pipeline.submission import ability, capacity, job_view
from webapi.routes.answers import Submitted
from webapi.routes.new_job import new_images, new_prompt, receive
from webapi.routes.schemas import SCAN_LIKE, FromImage, Generate
from webapi.routes.table import Param, answer, here, parsed, route

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
    uploads=SCAN_LIKE,
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
    return answer(Submitted, told | _known(id), 202, {"Location": url})


def _known(id: str) -> dict[str, str]:
    """What is known before the job is accepted: that no live worker can start it, and which of
    their broken models it is made without."""
    web = here()
    job = job_view.job_at(web.atlas, web.atlas.at_inbox(id))
    if job is None:  # taken already, or sent before under this key: every folder is listed for it
        place = lifecycle.find(web.atlas, id)
        job = job_view.job_at(web.atlas, place) if place else None
    if job is None:
        return {}
    workers = web.follower.workers()
    asked = {"kind": job.kind, **job.options}
    found = {
        "waits_for": capacity.told_at_submission(web.atlas, job, workers)
        or ability.slow(asked, workers),
        "made_without": ability.passed_over(asked, workers),
    }
    return {name: words for name, words in found.items() if words}
