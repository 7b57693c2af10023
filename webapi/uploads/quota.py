"""Quotas: how many jobs and bytes one submitter may have waiting, running and arriving, and the
room that Atlas must keep."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator

from layout.tree import Place
from webapi.context import Web
from webapi.problems import Problem

LOOK_EVERY = 64 << 20  # bytes of an upload between two looks at the room
_LOCK = threading.Lock()


def check(web: Web, who: str, coming: int) -> None:
    """Problem 429 where WHO would have too much with COMING bytes more, 503 where Atlas has no room
    for them."""
    settings, (jobs, held) = web.settings.web, web.follower.known.unfinished_of(who)
    if jobs + web.coming[who] >= settings.max_waiting:
        raise _full(f"{who} has {settings.max_waiting} jobs waiting or running already.")
    if held + web.arriving[who] + coming > settings.max_waiting_gb * 1e9:
        raise _full(
            f"{who} may have {settings.max_waiting_gb:g} GB waiting, running and arriving; this"
            " would be more."
        )
    if shutil.disk_usage(web.atlas.root).free - coming < settings.free_gb * 1e9:
        raise Problem(
            503,
            "no-room",
            "There is too little room on Atlas for uploads.",
            "Free space on Atlas; then send it again.",
            headers={"Retry-After": "300"},
        )


def _full(detail: str) -> Problem:
    return Problem(
        429, "quota", detail, "Wait until some have ended.", headers={"Retry-After": "60"}
    )


@contextlib.contextmanager
def coming(web: Web, who: str, size: int = 0) -> Iterator[Callable[[Place], None]]:
    """``check``, and count one job more of WHO until it is listed: of several at once only as many
    pass as may. What this gives lists it, and counts it once at any moment."""
    with _LOCK:
        check(web, who, size)
        web.coming[who] += 1
    here = 1

    def listed(place: Place) -> None:
        nonlocal here
        with _LOCK:
            web.follower.note(place)
            web.coming[who] -= here
            here = 0

    try:
        yield listed
    finally:
        with _LOCK:
            web.coming[who] -= here


@contextlib.contextmanager
def arriving(web: Web, who: str, announced: int) -> Iterator[Callable[[int], None]]:
    """Count what WHO sends while it arrives: ANNOUNCED at once, and what exceeds it by calling what
    this gives with each piece's size."""
    held = received = looked = 0

    def take(size: int) -> None:
        nonlocal held
        with _LOCK:
            check(web, who, size)
            web.arriving[who] += size
            held += size

    def count(size: int) -> None:
        nonlocal received, looked
        received += size
        if received > held:
            take(received - held)
        elif received - looked > LOOK_EVERY:
            looked = received
            check(web, who, 0)

    try:
        take(announced)
        yield count
    finally:
        with _LOCK:
            web.arriving[who] -= held
