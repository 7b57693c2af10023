"""Problems: every refusal is RFC 9457 problem+json with a remedy, and a plain page for a browser."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, NotFound

from layout.disk import LineFault
from layout.lifecycle import Gone, Occupied, WrongState
from pipeline.errors import PipelineError
from pipeline.jobs import wrong

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

REMEDIES = {
    400: "Correct the request; GET /openapi.json describes it.",
    401: "Send a key: `Authorization: Bearer i3d_…`. `inbox3d keys add NAME` makes one.",
    403: "Use a key with the scope that is named.",
    404: "GET /3d/jobs lists every job; GET /openapi.json lists every route.",
    405: "GET /openapi.json lists the methods of every route.",
    409: "Look at the job's state and try again.",
    412: "Ask for the file anew, without the condition.",
    413: "Send less at once, or copy the files into inbox/ on the share.",
    415: "Send Content-Type: application/json.",
    416: "Ask for a range inside the file.",
    422: "Correct what is named and send it again.",
    429: "Wait, then try again.",
    500: "Look into the log of the web process.",
    503: "Try again in a moment; work resumes by itself.",
}


class Problem(Exception):
    """A refusal. WHAT is a short stable word for machines, DETAIL a sentence, REMEDY what to do."""

    def __init__(
        self, status: int, what: str, detail: str, remedy: str = "", *, errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.what, self.detail = status, what, detail
        self.remedy = remedy or REMEDIES.get(status, REMEDIES[400])
        self.errors, self.headers = errors, dict(headers or {})

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "type": f"/docs#{self.what}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "remedy": self.remedy,
        }
        return found | ({"errors": self.errors} if self.errors else {})


def cut_off(received: int, announced: int | None) -> Problem:
    return Problem(400, "cut-off", f"The body ended after {received} of {announced} bytes.", "Send it again, whole.")


def invalid(error: ValidationError) -> Problem:
    """422 with every key that is wrong; the detail is the first of them."""
    found = error.errors()
    found = [row for row in found if not any(other["loc"][: len(row["loc"])] == row["loc"] != other["loc"] for other in found)]
    rows = [{"field": ".".join(str(part) for part in row["loc"]) or "body", "message": wrong(row)} for row in found[:20]]
    return Problem(422, "invalid", f"{rows[0]['field']}: {rows[0]['message']}"[:400], errors=rows)


def of(error: Exception) -> Problem:
    """The problem that any error amounts to."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return invalid(error)
    if isinstance(error, PipelineError):
        return Problem(422 if error.who == "submitter" else 503, "refused", error.message, error.remedy)
    if isinstance(error, LineFault):
        return Problem(503, "line-fault", error.message, error.remedy, headers={"Retry-After": "15"})
    if isinstance(error, InvalidChunkSize | NoMoreData | ChunkMissingTerminator | TimeoutError):
        return Problem(400, "cut-off", "The body is cut off, or its sender stood still.", "Send it again, whole.")
    if isinstance(error, SQLAlchemyError):
        log.warning("index.fault what=%s", str(error).partition("\n")[0])
        return Problem(503, "index", "The index does not answer. Jobs go on without it.", headers={"Retry-After": "5"})
    if isinstance(error, Gone):
        return Problem(409, "moving", "The job is on the move.", "Try again in a moment.", headers={"Retry-After": "1"})
    if isinstance(error, WrongState | Occupied):
        return Problem(409, "wrong-state", str(error.strerror if isinstance(error, OSError) else error))
    if isinstance(error, NotFound):
        return Problem(404, "not-found", "There is nothing at this address.")
    if isinstance(error, HTTPException):
        return Problem(
            error.code or 500, HTTPStatus(error.code or 500).name.lower().replace("_", "-"), str(error.description), headers=_headers(error)
        )
    log.exception("request.failed method=%s path=%s", request.method, request.path)
    return Problem(500, "fault", "Something went wrong in the web process.")


def _headers(error: HTTPException) -> dict[str, str]:
    kept = {"Allow", "Content-Range", "Retry-After"}
    return {key: value for key, value in error.get_headers() if key in kept}


def answer(problem: Problem) -> Response:
    """PROBLEM as a response: a page where a browser navigates, JSON for everybody else."""
    import json

    if wants_page():
        from webapi import pages

        return pages.problem_page(problem)
    response = Response(json.dumps(problem.body(), ensure_ascii=False), problem.status, problem.headers, content_type=MEDIA_TYPE)
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="inbox3d"'
    return response


def wants_page() -> bool:
    """A browser that navigates asks for text/html by name and first."""
    return (
        not request.path.startswith("/3d/")
        and request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
        and ("text/html" in request.headers.get("Accept", ""))
    )


def install(app: Flask) -> None:
    app.register_error_handler(Exception, lambda error: answer(of(error)))
