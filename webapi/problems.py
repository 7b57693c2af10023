"""Problems: every refusal is RFC 9457 problem+json with a remedy. ``named`` explains their
words, the last part of a problem's ``type``.

The page /docs and docs/api.md list the words; the tests hold every Problem against this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from pipeline import errors
from pipeline.jobs.wording import wrong

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

MEANINGS: dict[str, str] = {
    "address": "an address in the request is none that may be fetched or called",
    "backend": "no live worker has that reconstruction backend",
    "bad-request": "the request is no HTTP that can be read",
    "busy": "too many requests are being received, or wait for the device, already",
    "cross-site": "a page of another site tried to change something",
    "cut-off": "the body ended before its announced length, or stood still too long",
    "denied": "the web process may not read or write a file of the tree, which is named",
    "ended": "the job has ended already",
    "fault": "something went wrong in the web process; its log says what",
    "format": "no live worker can write that format",
    "host": "the service was called by a name that is not in web.hosts",
    "idempotency-key": "the key is malformed, or was used for another request",
    "image-path": "there is no such file below inputs/",
    "in-progress": "the first request with this Idempotency-Key is not finished",
    "index": "the list of jobs does not answer at present; jobs go on without it",
    "invalid": "an option or a parameter is unknown or wrong; errors names each",
    "json": "the body is not valid JSON",
    "key": "a key is needed, or the one that was sent is not known",
    "key-file": "what is kept of the Idempotency-Key cannot be read",
    "line-fault": "the share or the index does not answer at present",
    "media-type": "this route does not take that Content-Type",
    "method-not-allowed": "this route has no such method",
    "moving": "the job changes its folder at this moment",
    "multipart": "the multipart body is cut off or malformed",
    "name": "a file's name cannot stand on every share, or stands there twice",
    "no-files": "the upload holds no files",
    "no-room": "Atlas has too little room for uploads",
    "no-such-file": "the job has no such file",
    "no-such-job": "there is no such job, in the index or in the tree",
    "not-completed": "the job has no result yet",
    "not-ended": "this can be done to jobs in done/ or failed/ only",
    "not-found": "there is nothing at this address",
    "not-ready": "the web process has not seen the tree lately",
    "page-token": "page_token is none that this service gave for these filters",
    "precondition-failed": "the file is another than If-Match or If-Unmodified-Since names",
    "quota": "this submitter has too many jobs or bytes waiting",
    "refused": "the request cannot become a job",
    "requested-range-not-satisfiable": "the range begins after the file's end",
    "request-entity-too-large": "the form is too large",
    "scope": "the key may not do this",
    "stopping": "the service that `inbox3d serve` runs is ending",
    "streams": "too many pages follow the events already",
    "token": "the form is too old, or did not come from a page of this service",
    "too-large": "the body, a field or a form is too large",
    "too-many-tries": "too many wrong keys came from this address",
    "wrong-state": "the job is in no state for this",
    "zip": "the zip is damaged, or not what may be unpacked",
}


def named() -> dict[str, str]:
    """MEANINGS, and the names of errors that the services of `inbox3d serve` answer with."""
    kinds = (getattr(errors, name) for name in errors.__all__)
    told = {kind.__name__: " ".join((kind.__doc__ or "").split()) for kind in kinds}
    return MEANINGS | told


class Problem(Exception):
    """A refusal. WHAT is a short stable word for machines, DETAIL a sentence, REMEDY what to do."""

    def __init__(
        self,
        status: int,
        what: str,
        detail: str,
        remedy: str = "",
        *,
        errors: list[dict[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
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
    return Problem(
        400,
        "cut-off",
        f"The body ended after {received} of {announced} bytes.",
        "Send it again, whole.",
    )


def invalid(error: ValidationError, called: Mapping[str, str] = MappingProxyType({})) -> Problem:
    """422 with every key that is wrong; the detail is the first of them. CALLED: what the request
    calls a field where that is not its own name."""
    found = error.errors()
    found = [
        row
        for row in found
        if not any(other["loc"][: len(row["loc"])] == row["loc"] != other["loc"] for other in found)
    ]
    rows = [
        {
            "field": ".".join(called.get(str(part), str(part)) for part in row["loc"]) or "body",
            "message": wrong(row),
        }
        for row in found[:20]
    ]
    return Problem(422, "invalid", f"{rows[0]['field']}: {rows[0]['message']}"[:400], errors=rows)
