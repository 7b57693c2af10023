"""Bodies on their way in: half of the threads at most wait for them, and none waits long for a
sender that stands still."""

from __future__ import annotations

from flask import g, request

from webapi.context import Web
from webapi.problems import Problem

SILENCE = 20.0  # seconds in which something of a body, or of an answer's way out, must move
PATIENCE = 0.25  # seconds that a body waits for one of the places


def begin(web: Web) -> None:
    """Take a place for this request's body; Problem 503 where all are taken."""
    if (socket := request.environ.get("gunicorn.socket")) is not None:
        socket.settimeout(SILENCE)
    if request.content_length or "HTTP_TRANSFER_ENCODING" in request.environ:
        if not web.receiving.acquire(timeout=PATIENCE):
            raise Problem(
                503,
                "busy",
                "Too many requests are being received already.",
                headers={"Retry-After": "5"},
            )
        g.receives = True


def end(web: Web) -> None:
    if g.pop("receives", False):
        web.receiving.release()
