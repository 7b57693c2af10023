"""What has ended, once more, over HTTP: as it was, with other options, or its model in another
format."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Response
from pydantic import ValidationError

from layout import lifecycle, tree
from layout.manifest import JobFile
from layout.tree import Place, State
from pipeline.jobs import OPTIONS
from pipeline.submission import submit
from webapi.problems import Problem, invalid
from webapi.routes.act import act_on, check_ended
from webapi.routes.answers import Retried
from webapi.routes.schemas import Again, Export
from webapi.routes.table import answer, asker, here, parsed, route, with_preset
from webapi.text import clean
from webapi.uploads import checks, quota

log = logging.getLogger(__name__)


@route("POST", "/3d/jobs/{id}/retry", {202: Retried}, scope="submit", problems=(404, 409, 429))
def retry(id: str) -> Response:
    """Run a failed job again, or a done one as a new job with a copy of its input.
    As it was: it takes no body."""
    return _made(*retry_job(id))


def _made(new: str, of: str | None) -> Response:
    url = f"/3d/status/{new}"
    return answer(
        Retried, {"job_id": new, "status_url": url, "retry_of": of}, 202, {"Location": url}
    )


def retry_job(id: str) -> tuple[str, str | None]:
    web = here()

    def act(place: Place) -> tuple[str, str | None] | None:
        job = _ended(place)
        size = sum(file.size for file in job.manifest) if job else 0
        with quota.coming(web, asker().name, size) as listed:
            if place.state is State.FAILED and not web.changing:
                listed(lifecycle.retry(web.atlas, place))
                log.info("job.retried job=%s by=%s", id, asker().name)
                return id, None
            if job is None:
                raise Problem(409, "not-ended", f"{id} has no job.json to retry from.")
            return _copy(place, job, {"kind": job.kind, **job.options}, listed), id

    return act_on(id, act)


@route(
    "POST",
    "/3d/jobs/{id}/again",
    {202: Retried},
    scope="submit",
    body=Again,
    problems=(404, 409, 429),
)
def again(id: str) -> Response:
    """Run an ended job's files again with other options.
    A new job with a copy of its input and its options, but for those that are named; null takes one
    back to its default. What the files are (a prompt, addresses) is submitted anew instead."""
    return _made(again_job(id, parsed(Again).model_extra or {}), id)


def again_job(id: str, said: Mapping[str, Any]) -> str:
    """Submit job ID anew with the options SAID; the new job's id."""
    web = here()
    if named := [key for key in OF_INPUT if key in said]:
        raise Problem(
            422,
            "invalid",
            f"{named[0]}: it is the job's input, which is copied as it is.",
            "Submit a new job with another one.",
        )

    def act(place: Place) -> str | None:
        job = _ended(place)
        if job is None:
            raise Problem(409, "not-ended", f"{id} has no job.json to run again from.")
        request = _with(job, said)
        checks.can_be_done(request, web.follower.workers())
        if url := said.get("webhook_url"):
            checks.webhook(url, web.settings.web.webhook_lan)
        with quota.coming(web, asker().name, sum(file.size for file in job.manifest)) as listed:
            return _copy(place, job, request, listed)

    return act_on(id, act)


OF_INPUT = ("prompt", "image_urls", "image_paths")


def _ended(place: Place) -> JobFile | None:
    check_ended(place)
    return lifecycle.readable_job(here().atlas, place.path)


def _with(job: JobFile, said: Mapping[str, Any]) -> dict[str, Any]:
    """The request that JOB was, with what is SAID now. Another kind begins from its defaults."""
    kind = said["kind"] if said.get("kind") is not None else job.kind
    if not isinstance(kind, str) or kind not in OPTIONS:
        known = ", ".join(OPTIONS)
        told = f"{job.id} has none yet" if kind is None else f"there is no {clean(str(kind), 40)!r}"
        raise Problem(422, "invalid", f"kind: {told}.", f"Name one of {known}.")
    kept = job.options if kind == job.kind else {}
    request = {**kept, **with_preset({**said, "kind": kind})}
    given = json.dumps({key: value for key, value in request.items() if value is not None})
    try:
        return OPTIONS[kind].model_validate_json(given, strict=True).model_dump(mode="json")
    except ValidationError as error:
        raise invalid(error) from None


def _copy(
    place: Place, job: JobFile, request: Mapping[str, Any], listed: Callable[[Place], None]
) -> str:
    """The id of a new job with a copy of the input at PLACE, LISTED."""
    new = submit.submit_again(here().atlas, place, job, request, "api", asker().name)
    listed(new)
    log.info("job.retried job=%s as=%s by=%s", job.id, new.id, asker().name)
    return new.id


@route(
    "POST",
    "/3d/jobs/{id}/export",
    {202: Retried},
    scope="submit",
    body=Export,
    problems=(404, 409, 429),
)
def export(id: str) -> Response:
    """Write a finished model in another format, or turned another way up.
    A new job converts model.glb as it is: nothing is aligned or made again. `up` and `front` name
    axes of model.glb; what is turned stands on the ground anew."""
    return _made(export_job(id, parsed(Export)), id)


def export_job(id: str, asked: Export) -> str:
    web, formats = here(), asked.output_format
    checks.can_be_done({"output_format": formats}, web.follower.workers())

    def act(place: Place) -> str | None:
        if place.state is not State.DONE:
            raise Problem(
                409,
                "not-completed",
                f"{id} has no model: it is in {place.state.value}/.",
                "Wait until it is done.",
            )
        job = lifecycle.readable_job(web.atlas, place.path)
        model = web.atlas.disk.lstat(place.path / tree.OUTPUT / "model.glb")
        if job is None or model is None:
            raise Problem(409, "not-completed", f"{id} has no model.glb to convert.")
        if label := job.provenance.label:  # a conversion would not say so any more
            raise Problem(
                409,
                "not-completed",
                f"{id} is a {label}, and its model in another file would not say so.",
                "Submit it anew with every format that is wanted.",
            )
        with quota.coming(web, asker().name, model.st_size) as listed:
            made = submit.submit_conversion(
                web.atlas, place, job, formats, asker().name, asked.turned
            )
            listed(made)
        log.info("job.exported job=%s as=%s by=%s", id, made.id, asker().name)
        return made.id

    return act_on(id, act)
