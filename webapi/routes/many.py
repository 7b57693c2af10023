"""Several jobs at once over HTTP: one verb for each, or their models as one zip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Response, request

from webapi.problems import Problem
from webapi.routes.act import cancel_job, delete_job
from webapi.routes.anew import retry_job
from webapi.routes.answers import ManyDone
from webapi.routes.bundle import several
from webapi.routes.look import look_up
from webapi.routes.schemas import Many
from webapi.routes.sending import BINARY
from webapi.routes.table import Param, answer, asker, here, parsed, route
from webapi.routes.trash import restore_job

MOST = 50  # models of one zip: their files are open while it is sent
VERBS: dict[str, Callable[[str], Any]] = {
    "cancel": cancel_job,
    "retry": lambda id: retry_job(id)[0],
    "delete": delete_job,
    "restore": restore_job,
}
JOB = Param(
    "job",
    "query",
    {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST},
    "ids of finished jobs, one `job=` each",
)


@route("POST", "/3d/jobs/many", {200: ManyDone}, body=Many, scope="submit")
def many() -> Response:
    """Cancel, retry, delete or restore several jobs. Each is done by itself: what cannot be done
    says why, and keeps no other from it. Delete and restore need the admin scope."""
    asked = parsed(Many)
    return answer(ManyDone, {"jobs": do(asked.do, asked.jobs)})


@route("POST", "/3d/jobs/cancel-mine", {200: ManyDone}, scope="submit")
def cancel_mine() -> Response:
    """Cancel every job of whoever asks that has not ended."""
    mine = [
        row["id"] for row in here().follower.known.unfinished() if row["submitter"] == asker().name
    ]
    return answer(ManyDone, {"jobs": do("cancel", mine)})


def do(verb: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """What became of VERB for each of IDS; Problem where the asker may not."""
    if verb in ("delete", "restore"):
        here().access.permit(asker(), "admin")
    found = []
    for id in dict.fromkeys(ids):
        try:
            made = VERBS[verb](id)
        except Problem as problem:
            found.append({"job_id": id, "done": False, "why": problem.detail, "new_id": None})
        else:
            new = made if isinstance(made, str) and made != id else None
            found.append({"job_id": id, "done": True, "why": None, "new_id": new})
    return found


@route(
    "GET",
    "/3d/download",
    {200: BINARY, 206: BINARY, 304: None},
    params=(JOB,),
    problems=(404, 409, 412, 416, 422),
)
def download_many() -> Response:
    """Several finished models with their reports as one zip, a folder each. With Range and ETag."""
    ids = list(dict.fromkeys(request.args.getlist("job")))
    if not 1 <= len(ids) <= MOST:
        raise Problem(422, "invalid", f"job: name 1 to {MOST} jobs, one job= each.")
    rows = [look_up(id) for id in ids]
    if waiting := [row["id"] for row in rows if row["state"] != "completed"]:
        raise Problem(
            409,
            "not-completed",
            f"{', '.join(waiting[:5])}: no model yet.",
            "Name finished jobs only.",
        )
    return several(rows)
