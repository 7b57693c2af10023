"""What is checked before anything is submitted, so that nobody waits minutes for a refusal."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from layout.signs import Heartbeat
from pipeline import safe_fetch
from pipeline.submission import ability
from webapi.problems import Problem
from webapi.text import clean

ALWAYS = ("auto", "placeholder")
NOT_PUBLIC = ("must use port 80 or 443", "names an address that is not public")
LAN = {
    "image_urls": "[worker] image_lan, here and on the compute hosts",
    "webhook_url": "[web] webhook_lan",
}


def can_be_done(options: Mapping[str, Any], workers: Sequence[Heartbeat]) -> None:
    """Problem where live workers serve the queue, but none of them can do what is asked. A queue
    that nobody serves is no refusal."""
    exporting = [worker for worker in workers if "finish" in worker.queues and worker.formats]
    formats = options.get("output_format") or ()
    for name in [formats] if isinstance(formats, str) else formats:
        if exporting and not any(name in worker.formats for worker in exporting):
            able = ", ".join(sorted({able for worker in exporting for able in worker.formats}))
            raise Problem(
                422,
                "format",
                f"output_format: no worker can write {name} at present.",
                f"Ask for one of {able}, or install what {name} needs (inbox3d doctor).",
            )
    meshing = [worker for worker in workers if "mesh" in worker.queues and worker.backends]
    backend, views = options.get("backend"), ability.views_named(options)
    if (
        backend
        and backend not in ALWAYS
        and meshing
        and not any(ability.can_serve(backend, views, worker.backends) for worker in meshing)
    ):
        able = ", ".join(sorted({able for worker in meshing for able in worker.backends}))
        why = ability.why_not(str(backend), meshing)
        raise Problem(
            422,
            "backend",
            f"backend: no worker has {clean(str(backend), 40)} at present"
            f"{f' ({why})' if why else ''}.",
            f"Ask for auto or one of {able}; `inbox3d models list` names what is missing, `inbox3d"
            " models pull` brings it.",
        )


def address(url: str, field: str, lan: Sequence[str] = ()) -> str:
    """URL, if it can be fetched at all: http or https, no credentials, no address that is plainly
    not public. Nothing is looked up here."""
    refusal = ""
    try:
        parts = urlsplit(url)
        host, port = safe_fetch.wire_host(parts.hostname or ""), parts.port
        if parts.scheme not in ("http", "https") or not host:
            refusal = "must be an http or https address"
        elif parts.username is not None or parts.password is not None:
            refusal = "must not hold a user name or a password"
        elif not safe_fetch.allowed_host(host, lan) and port not in (None, 80, 443):
            refusal = NOT_PUBLIC[0]
        elif _plainly_private(host) and not safe_fetch.allowed_host(host, lan):
            refusal = NOT_PUBLIC[1]
        elif not url.isprintable() or " " in url or len(url) > 2000:
            refusal = "holds characters that no address holds"
    except safe_fetch.NotAllowed:
        refusal = "holds a host name that cannot be"
    except ValueError:
        refusal = "is no address"
    if refusal:
        remedy = f"The operator may name its host in {LAN[field]}." if refusal in NOT_PUBLIC else ""
        raise Problem(
            422,
            "address",
            f"{field}: {clean(url, 120)!r} {refusal}.",
            remedy,
            errors=[{"field": field, "message": refusal}],
        )
    return url


def webhook(url: str, lan: Sequence[str]) -> None:
    address(url, "webhook_url", lan)


def _plainly_private(host: str) -> bool:
    with contextlib.suppress(OSError):
        # 127.1 and 0x7f.1 mean an address too
        return not safe_fetch.is_public(socket.inet_ntoa(socket.inet_aton(host)))
    try:
        ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return (
            host == "localhost"
            or host.endswith((".localhost", ".local", ".internal"))
            or "." not in host
        )
    return not safe_fetch.is_public(host)


def utc(text: str | None, key: str) -> str | None:
    """A time from a query in the form that the index holds; Problem where it is none."""
    if not text:
        return None
    try:
        found = datetime.datetime.fromisoformat(text.replace(" ", "+"))
        return (
            (found if found.tzinfo else found.replace(tzinfo=datetime.UTC))
            .astimezone(datetime.UTC)
            .isoformat(timespec="seconds")
        )
    except (ValueError, OverflowError):
        raise Problem(
            422, "invalid", f"{key}: must be a time such as 2026-11-20T12:00:00Z."
        ) from None
