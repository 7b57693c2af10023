"""What lies in inbox/ and is no job yet, with what the intake says of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import NamedTuple

from layout import dropped, names
from layout.manifest import NewerFormat, Unreadable
from layout.signs import Arrivals
from layout.tree import Atlas, Place, State
from webapi.text import clean

MOST = 200


class Arrival(NamedTuple):
    """Something in inbox/ that is no job yet, and in the intake's words what it waits for."""

    name: str
    reason: str


def arriving(atlas: Atlas, places: Iterable[Place]) -> list[Arrival]:
    """The first MOST of what arrives, by name; PLACES: the jobs that stand in inbox/."""
    jobs = {place.path.name for place in places if place.id}
    seen = (entry for entry in atlas.entries(State.INBOX) if entry.name not in jobs)
    entries = [
        name for name, is_dir in seen if not (names.ignored(name, is_dir) and names.harmless(name))
    ]
    reasons = _reasons(atlas) if entries else {}
    return [
        Arrival(clean(name), clean(reasons.get(dropped.printable(name), "arriving"), 300))
        for name in sorted(entries)[:MOST]
    ]


def _reasons(atlas: Atlas) -> dict[str, str]:
    """What the intake says of each name that arrives."""
    with contextlib.suppress(OSError, Unreadable, NewerFormat):
        return Arrivals.load(atlas.disk.read(atlas.arrivals_file, 1024 * 1024)).waits
    return {}
