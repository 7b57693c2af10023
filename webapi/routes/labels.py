"""What people call a job afterwards, and its tags, over HTTP."""

from __future__ import annotations

import logging

from flask import Response
from pydantic import ValidationError

from layout import labels
from layout.labels import Labels
from webapi.index import rows
from webapi.index.schema import Row
from webapi.problems import invalid
from webapi.routes.answers import Tags
from webapi.routes.job_answers import Summary
from webapi.routes.look import look_up
from webapi.routes.schemas import Labelled
from webapi.routes.table import answer, asker, here, parsed, route

log = logging.getLogger(__name__)


@route(
    "PUT",
    "/3d/jobs/{id}/labels",
    {200: Summary},
    body=Labelled,
    scope="submit",
    problems=(404,),
)
def label(id: str) -> Response:
    """Give a job another name and tags, in place of those that it had.
    Lists are sorted and searched by them; its folder keeps its name."""
    asked = parsed(Labelled)
    return answer(Summary, rows.summary(label_job(id, asked)))


@route("GET", "/3d/tags", {200: Tags})
def tags() -> Response:
    """The tags that jobs bear, the commonest first."""
    found = here().index.tags()
    return answer(Tags, {"tags": [{"tag": tag, "jobs": count} for tag, count in found.items()]})


def label_job(id: str, asked: Labelled) -> Row:
    web = here()
    look_up(id)
    try:
        said = Labels(called=asked.name, tags=tuple(dict.fromkeys(asked.tags)))
    except ValidationError as error:
        raise invalid(error, {"called": "name"}) from None
    labels.write(web.atlas, id, said)
    web.follower.label(id, said)
    log.info("job.labelled job=%s by=%s", id, asker().name)
    return look_up(id)
