"""Every error becomes a problem, and a problem an answer: problem+json, or a plain page for a
browser."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response, request
from gunicorn.http.errors import ChunkMissingTerminator, InvalidChunkSize, NoMoreData
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, NotFound

from layout import rights
from layout.disk import LineFault
from layout.lifecycle import Gone, Occupied, WrongState
from pipeline.errors import PipelineError
from webapi.problems import MEDIA_TYPE, Problem, invalid

log = logging.getLogger(__name__)


def of(error: Exception) -> Problem:
    """The problem that any error amounts to."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationError):
        return invalid(error)
    if isinstance(error, PipelineError):
        return Problem(
            422 if error.who == "submitter" else 503, "refused", error.message, error.remedy
        )
    if isinstance(error, LineFault):
        return Problem(
            503, "line-fault", error.message, error.remedy, headers={"Retry-After": "15"}
        )
    if isinstance(error, PermissionError | IsADirectoryError) and error.filename:
        log.warning("tree.denied method=%s path=%s", request.method, request.path, exc_info=error)
        return Problem(
            503,
            "denied",
            f"The web process may not use a file of the tree: {_denied(error)}.",
            "The operator grants that; then send it again.",
        )
    if isinstance(error, InvalidChunkSize | NoMoreData | ChunkMissingTerminator | TimeoutError):
        return Problem(
            400,
            "cut-off",
            "The body is cut off, or its sender stood still.",
            "Send it again, whole.",
        )
    if isinstance(error, SQLAlchemyError):
        log.warning("index.fault what=%s", str(error).partition("\n")[0])
        return Problem(
            503,
            "index",
            "The index does not answer. Jobs go on without it.",
            headers={"Retry-After": "5"},
        )
    if isinstance(error, Gone):
        return Problem(
            409,
            "moving",
            "The job is on the move.",
            "Try again in a moment.",
            headers={"Retry-After": "1"},
        )
    if isinstance(error, WrongState | Occupied):
        return Problem(
            409, "wrong-state", str(error.strerror if isinstance(error, OSError) else error)
        )
    if isinstance(error, NotFound):
        return Problem(404, "not-found", "There is nothing at this address.")
    if isinstance(error, HTTPException):
        return Problem(
            error.code or 500,
            HTTPStatus(error.code or 500).name.lower().replace("_", "-"),
            str(error.description),
            headers=_headers(error),
        )
    log.exception("request.failed method=%s path=%s", request.method, request.path)
    return Problem(500, "fault", "Something went wrong in the web process.")


def _denied(error: OSError) -> str:
    """The file by its whole path, and the right to grant."""
    path = Path(os.fsdecode(error.filename))
    return f"{path}: {rights.words(error, path)}"


def _headers(error: HTTPException) -> dict[str, str]:
    kept = {"Allow", "Content-Range", "Retry-After"}
    return {key: value for key, value in error.get_headers() if key in kept}


def answer(problem: Problem, render: Callable[[Problem], Response]) -> Response:
    """PROBLEM as a response: a page by RENDER where a browser navigates, JSON for everybody
    else."""
    if wants_page():
        return render(problem)
    response = Response(
        json.dumps(problem.body(), ensure_ascii=False),
        problem.status,
        problem.headers,
        content_type=MEDIA_TYPE,
    )
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


def install(app: Flask, render: Callable[[Problem], Response]) -> None:
    """Answer every error of APP; RENDER makes the page of a problem."""
    app.register_error_handler(Exception, lambda error: answer(of(error), render))
