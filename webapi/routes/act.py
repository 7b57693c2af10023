"""Acting on jobs over HTTP: cancel, retry, export, delete. Each is one edge; the folder decides
whether it can be taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from flask import Response

from layout import lifecycle, tree
from layout.lifecycle import Gone, Occupied
from layout.manifest import JobFile
from layout.tree import Place, State
from pipeline.submission import submit
from webapi.index import rows
from webapi.index.schema import Row
from webapi.problems import Problem
from webapi.routes.schemas import Export, Retried, Status
from webapi.routes.table import answer, asker, here, parsed, route
from webapi.text import clean
from webapi.uploads import checks, quota

log = logging.getLogger(__name__)

TURNS = 8
T = TypeVar("T")


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
        log.info("job.cancelled job=%s by=%s", id, asker().name)
        return web.follower.note(ended) if ended else None

    return _act(id, act)


@route("POST", "/3d/jobs/{id}/retry", {202: Retried}, scope="submit", problems=(404, 409, 429))
def retry(id: str) -> Response:
    """Run a failed job again, or a done one as a new job with a copy of its input.
    As it was: it takes no body."""
    new, of = retry_job(id)
    url = f"/3d/status/{new}"
    return answer(
        Retried, {"job_id": new, "status_url": url, "retry_of": of}, 202, {"Location": url}
    )


def retry_job(id: str) -> tuple[str, str | None]:
    web = here()

    def act(place: Place) -> tuple[str, str | None] | None:
        if place.state not in (State.DONE, State.FAILED):
            raise Problem(
                409,
                "not-ended",
                f"{id} has not ended: it is in {place.state.value}/.",
                "Cancel it first, or wait.",
            )
        job = lifecycle.readable_job(web.atlas, place.path)
        with quota.coming(web, asker().name, sum(file.size for file in job.manifest) if job else 0):
            if place.state is State.FAILED and not web.changing:
                web.follower.note(lifecycle.retry(web.atlas, place))
                log.info("job.retried job=%s by=%s", id, asker().name)
                return id, None
            if job is None:
                raise Problem(409, "not-ended", f"{id} has no job.json to retry from.")
            again = submit.submit_again(web.atlas, place, _copied(job), asker().name)
            web.follower.note(again)
            log.info("job.retried job=%s as=%s by=%s", id, again.id, asker().name)
            return again.id, id

    return _act(id, act)


@route(
    "POST",
    "/3d/jobs/{id}/export",
    {202: Retried},
    scope="submit",
    body=Export,
    problems=(404, 409, 429),
)
def export(id: str) -> Response:
    """Write a finished model in another format.
    A new job converts model.glb as it is: nothing is aligned or made again."""
    new = export_job(id, parsed(Export).output_format)
    url = f"/3d/status/{new}"
    return answer(
        Retried, {"job_id": new, "status_url": url, "retry_of": id}, 202, {"Location": url}
    )


def export_job(id: str, formats: tuple[str, ...]) -> str:
    web = here()
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
        with quota.coming(web, asker().name, model.st_size):
            made = submit.submit_conversion(web.atlas, place, job, formats, asker().name)
            web.follower.note(made)
        log.info("job.exported job=%s as=%s by=%s", id, made.id, asker().name)
        return made.id

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
            raise Problem(
                409,
                "not-ended",
                f"{id} has not ended: it is in {place.state.value}/.",
                "Cancel it first.",
            )
        lifecycle.delete(web.atlas, place)
        log.info("job.deleted job=%s by=%s", id, asker().name)
        web.follower.forget(id)
        return True

    _act(id, act)


def _act(id: str, act: Callable[[Place], T | None]) -> T:
    """Do ACT where job ID stands now; it may be on the move, so look again a few times."""
    for _ in range(TURNS):
        place = lifecycle.find(here().atlas, id)
        if place is None:
            raise Problem(404, "no-such-job", f"There is no job {clean(id, 80)!r}.")
        try:
            if (done := act(place)) is not None:
                return done
        except (Gone, Occupied):
            pass
        _PAUSE.wait(0.15)
    raise Problem(
        409, "moving", f"{id} keeps moving.", "Try again in a moment.", headers={"Retry-After": "1"}
    )


_PAUSE = threading.Event()
