"""Acting on jobs over HTTP: cancel and delete. Each is one edge; the folder decides whether it can
be taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from flask import Response

from layout import lifecycle
from layout.lifecycle import Gone, Occupied
from layout.tree import Place, State
from webapi.index import rows
from webapi.index.schema import Row
from webapi.problems import Problem
from webapi.routes.job_answers import Status
from webapi.routes.table import answer, asker, here, route
from webapi.text import clean

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

    return act_on(id, act)


@route("DELETE", "/3d/jobs/{id}", {204: None}, scope="admin", problems=(404, 409))
def delete(id: str) -> Response:
    """Move a done or failed job to the trash, where it stays 30 days."""
    delete_job(id)
    return Response(status=204)


def delete_job(id: str) -> None:
    web = here()

    def act(place: Place) -> bool:
        check_ended(place)
        lifecycle.delete(web.atlas, place)
        log.info("job.deleted job=%s by=%s", id, asker().name)
        web.follower.forget(id)
        return True

    act_on(id, act)


def check_ended(place: Place) -> None:
    """Problem where the job at PLACE waits or runs."""
    if place.state not in (State.DONE, State.FAILED):
        raise Problem(
            409,
            "not-ended",
            f"{place.id} has not ended: it is in {place.state.value}/.",
            "Cancel it first, or wait.",
        )


def act_on(id: str, act: Callable[[Place], T | None]) -> T:
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
