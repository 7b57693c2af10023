"""Sending one file below a job, by ranges, and never one that a link leads to."""

from __future__ import annotations

import io
import mimetypes
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from flask import Response, request
from werkzeug.wsgi import wrap_file

from layout.tree import Atlas, State
from webapi.index import details
from webapi.index.schema import Row
from webapi.index.states import ENDED
from webapi.problems import Problem
from webapi.routes.table import here
from webapi.text import clean

TYPES = {
    ".glb": "model/gltf-binary",
    ".obj": "model/obj",
    ".mtl": "model/mtl",
    ".stl": "model/stl",
    ".3mf": "model/3mf",
    ".usdz": "model/vnd.usdz+zip",
    ".webp": "image/webp",
    ".sha256": "text/plain",
}
# everything else is saved, never shown: HTML, SVG and XML above all
INLINE = {".png", ".jpg", ".webp", ".glb"}


BINARY = "application/octet-stream"
ONE_RANGE = re.compile(r"bytes=(\d+-\d*|-\d+)")


# -- sending -----------------------------------------------------------------------------------
# report.html brings its viewer along; in a sandbox it has no part in this site and reaches no host
REPORT_CSP = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none';"
    " script-src 'unsafe-inline' 'wasm-unsafe-eval' data:; style-src 'unsafe-inline';"
    " img-src data: blob:; connect-src data: blob:; worker-src blob:; form-action 'none';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def send(
    row: Row,
    below: str,
    name: str,
    save_as: str,
    inline: str = "",
    policy: str = "sandbox; default-src 'none'",
) -> Response:
    """The file NAME below the job's folder BELOW, shown as INLINE under POLICY or saved. Opened
    component by component, never through a link."""
    web = here()
    path = "/".join(part for part in (row["folder"], below, name) if part)
    file, facts = open_below(web.atlas, path)
    suffix = Path(name).suffix.lower()
    shown_how = "inline" if inline or suffix in INLINE else "attachment"
    media = (
        inline or TYPES.get(suffix) or mimetypes.types_map.get(suffix, "application/octet-stream")
    )
    headers = {
        "Content-Disposition": disposition(shown_how, save_as),
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": policy,
    }
    # nginx would leave our policy out, so what is shown under one of its own is sent from here
    accel = request.headers.get("X-Internal-Accel") and policy != REPORT_CSP
    if accel and path.startswith(f"{State.DONE}/"):
        file.close()
        return Response(
            "", 200, {**headers, "X-Accel-Redirect": "/_" + quote(path)}, content_type=media
        )
    etag = (
        details.checksums(web.atlas, web.atlas.root / row["folder"] / below).get(name)
        if row["state"] in ENDED and below
        else None
    )
    etag = etag or f"{facts.st_size:x}-{facts.st_mtime_ns:x}"
    return send_stream(file, facts.st_size, etag, headers, media, save_as)


def send_stream(
    file: BinaryIO | io.RawIOBase,
    size: int,
    etag: str,
    headers: Mapping[str, str],
    media: str,
    called: str,
) -> Response:
    """SIZE bytes of FILE, whole or the part that is asked for; FILE is closed when it is sent."""
    response = Response(
        wrap_file(request.environ, cast(BinaryIO, file), 1 << 18),
        200,
        dict(headers),
        content_type=media,
        direct_passthrough=True,
    )
    response.content_length = size
    response.set_etag(etag)
    response.call_on_close(file.close)
    try:
        response.make_conditional(
            _with_one_range(request.environ), accept_ranges=True, complete_length=size
        )
        if response.status_code == 412:
            raise Problem(
                412,
                "precondition-failed",
                f"{called} is another file than the one that was named.",
                "Ask for it anew.",
            )
    except Exception:
        file.close()
        raise
    return response


def _with_one_range(environ: Mapping[str, Any]) -> dict[str, Any]:
    """ENVIRON without a Range that asks for several pieces or cannot be read: RFC 9110 lets a
    server send the whole file then."""
    asked = environ.get("HTTP_RANGE", "").replace(" ", "")
    return {
        key: value
        for key, value in environ.items()
        if key != "HTTP_RANGE" or ONE_RANGE.fullmatch(asked)
    }


def disposition(how: str, name: str) -> str:
    """Content-Disposition with NAME in full, and in plain letters before it for programs that know
    no other (curl -OJ)."""
    shown = clean(name)
    plain = "".join(
        sign if sign.isascii() and (sign.isalnum() or sign in "-_. ()") else "_" for sign in shown
    )
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(shown, safe='')}"


def open_below(atlas: Atlas, path: str) -> tuple[BinaryIO, os.stat_result]:
    """(file, attributes) of the plain file at PATH below Atlas; Problem 404 for everything else."""
    missing = Problem(
        404,
        "no-such-file",
        f"There is no file {clean(path.rpartition('/')[2], 120)!r} here.",
        "GET …/artefacts lists the files.",
    )
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part or part.startswith(".") for part in parts):
        raise missing
    handle = os.open(atlas.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            deeper = os.open(
                part,
                os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | (0 if last else os.O_DIRECTORY),
                dir_fd=handle,
            )
            os.close(handle)
            handle = deeper
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise missing
        return cast(BinaryIO, os.fdopen(handle, "rb")), facts
    except (OSError, UnicodeEncodeError):
        os.close(handle)
        raise missing from None
    except Problem:
        os.close(handle)
        raise
