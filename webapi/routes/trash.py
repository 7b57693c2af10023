"""What was deleted, over HTTP: listing it, and bringing a job back."""

from __future__ import annotations

import logging

from flask import Response

from layout import lifecycle
from layout.lifecycle import Gone, Occupied
from webapi.index import rows
from webapi.index.schema import Row
from webapi.problems import Problem
from webapi.routes.answers import Trash
from webapi.routes.job_answers import Status
from webapi.routes.table import answer, asker, here, route
from webapi.text import clean

log = logging.getLogger(__name__)
LISTED = 1000


@route("GET", "/3d/trash", {200: Trash}, scope="admin")
def trash() -> Response:
    """Deleted jobs, the latest first. Each stays 30 days from its day."""
    found = lifecycle.trashed(here().atlas)[:LISTED]
    return answer(Trash, {"jobs": [{"job_id": id, "deleted_on": day} for day, id, _ in found]})


@route("POST", "/3d/jobs/{id}/restore", {200: Status}, scope="admin", problems=(404, 409))
def restore(id: str) -> Response:
    """Bring a deleted job back: to failed/ where it had failed, else to done/."""
    return answer(Status, rows.status(restore_job(id)))


def restore_job(id: str) -> Row:
    web = here()
    for _, trashed, folder in lifecycle.trashed(web.atlas):
        if trashed != id:
            continue
        if lifecycle.find(web.atlas, id) is not None:
            raise Problem(409, "wrong-state", f"{id} stands in the tree already.")
        try:
            row = web.follower.note(lifecycle.restore(web.atlas, folder))
        except (Gone, Occupied):
            raise Problem(
                409, "moving", f"{id} is on the move.", "Try again in a moment."
            ) from None
        log.info("job.restored job=%s by=%s", id, asker().name)
        if row is not None:
            return row
    raise Problem(
        404,
        "no-such-job",
        f"There is no deleted job {clean(id, 80)!r}.",
        "GET /3d/trash lists them.",
    )
