"""Static files: our own, and the fetched ones below vendor/."""

from __future__ import annotations

import functools
import hashlib

from flask import (
    Response,
    request,
    send_from_directory,
)
from werkzeug.exceptions import NotFound

from webapi.context import STATIC, VENDOR, VIEWER
from webapi.problems import Problem


# -- static files ------------------------------------------------------------------------------
def static(name: str) -> Response:
    """Our own files, the viewer's below viewer/, and the fetched ones below vendor/."""
    room, _, inside = name.partition("/")
    folder = {"vendor": VENDOR, "viewer": VIEWER}.get(room, STATIC)
    inside = name if folder is STATIC else inside
    try:
        response = send_from_directory(
            folder,
            inside,
            # our modules import each other without a version: asked for anew, so that none is stale
            max_age=31_536_000 if request.args.get("v") else 300 if folder is VENDOR else None,
        )
    except NotFound:
        raise Problem(
            404,
            "no-such-file",
            "There is no such file.",
            "`inbox3d viewer` fetches the model viewer.",
        ) from None
    response.direct_passthrough = False
    return response


@functools.cache
def static_version() -> str:
    """Changes with any of our static files, so that browsers may keep them for a year."""
    digest = hashlib.sha256()
    rooms = [room for room in (STATIC, VIEWER, VENDOR) if room.is_dir()]
    for path in sorted(path for room in rooms for path in room.iterdir()):
        digest.update(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()[:10]
