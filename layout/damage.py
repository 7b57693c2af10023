"""What a backup of a busy tree did to single jobs, after it was brought back: a job that moved
while it was copied may stand twice, or lack files. Such a job is named and waits in failed/, where
its reason says what is missing; none is worked on as if it were whole. What already stood in
failed/ is a person's to change and is not judged.

rsync puts each file in place whole, and results never change: so files are looked for by name and
size. What it missed altogether stands in its own words (``file has vanished``, code 24).
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from layout import by_hand, dropped, tree
from layout.cancelled import tidy
from layout.manifest import ErrorFile, JobFile, Listed
from layout.mend import readable_job, write_error
from layout.move import Gone, WrongState
from layout.tree import Atlas, Place, State

ORDER = (State.INBOX, State.CLAIMED, State.PROCESSING, State.FAILED, State.DONE)
WAITING = (State.INBOX, State.CLAIMED, State.PROCESSING)
SHOWN = 5


class Damage(NamedTuple):
    """WHAT is wrong with the job at PLACE, and what a person does about it."""

    place: Place
    what: str
    remedy: str


def after_restore(atlas: Atlas) -> list[Damage]:
    """Every job that the copy damaged. Those that would be worked on go to failed/ with their
    reason. Nothing else may run meanwhile."""
    found = []
    for damage in _all(atlas):
        moved = _set_down(atlas, damage) if damage.place.state in WAITING else damage.place
        found.append(damage._replace(place=moved))
    return found


def _all(atlas: Atlas) -> Iterator[Damage]:
    by_id: dict[str, list[Place]] = defaultdict(list)
    for state in ORDER:
        for place in atlas.places(state):
            if readable_job(atlas, place.path):  # a shell without one is accepted anew
                by_id[place.id].append(place)
    for places in by_id.values():
        whole = {place: _lack(atlas, place) for place in places}
        best = max(places, key=lambda one: (not whole[one], ORDER.index(one.state), one.n))
        for place in places:
            if place != best:
                where = best.path.relative_to(atlas.root)
                yield Damage(
                    place,
                    f"It was copied while it moved, and stands twice: further on as {where}.",
                    "Delete this one, once you have seen that the other is whole.",
                )
            elif lack := whole[place]:
                yield Damage(place, *lack)


def _lack(atlas: Atlas, place: Place) -> tuple[str, str] | None:
    """(what the job at PLACE lacks, remedy)."""
    job = readable_job(atlas, place.path)
    if job is None or place.state is State.FAILED:
        return None
    again = "Put them back into input/ from another copy, then retry it."
    if lost := _lost_input(atlas, place, job):
        return f"Its input is not whole: {_named(lost)} missing, or of another size.", again
    if place.state is State.DONE and (gone := _lost_results(atlas, place)):
        return (
            f"Its result is not whole: {_named(gone)} missing in output/.",
            "Retry it: it is made again.",
        )
    return None


def _lost_input(atlas: Atlas, place: Place, job: JobFile) -> list[str]:
    seen: list[Listed] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        drop = dropped.look(atlas.disk, place.path / tree.INPUT)
        seen = dropped.manifest(atlas.disk, drop, frozenset())
    there = {(row.path, row.size) for row in seen}
    return [row.path for row in job.manifest if (row.path, row.size) not in there]


def _lost_results(atlas: Atlas, place: Place) -> list[str]:
    output = place.path / tree.OUTPUT
    try:
        lines = atlas.disk.read(output / tree.CHECKSUMS).decode().splitlines()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return [tree.CHECKSUMS]
    names = [line.split("  ", 1)[1] for line in lines if "  " in line and line[0] != "#"]
    return [name for name in names if not atlas.disk.seen(output / name)]


def _named(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more are" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + (more or (" is" if len(names) == 1 else " are"))


def _set_down(atlas: Atlas, damage: Damage) -> Place:
    """The job in failed/, with its reason. Where it cannot go there it stays, and is named."""
    try:
        moved = tidy(atlas, by_hand.cancel(atlas, damage.place), damage.what)
    except (Gone, WrongState):
        return damage.place
    if moved is None:
        return damage.place
    error = ErrorFile(
        error="DamagedByCopy",
        who="operator",
        message=damage.what,
        remedy=damage.remedy,
        n=damage.place.n,
    )
    write_error(atlas, moved.path, error, readable_job(atlas, moved.path))
    return moved


def words(atlas: Atlas, damage: Damage) -> str:
    """One line for whoever restores."""
    where: Path = damage.place.path.relative_to(atlas.root)
    return f"{where}: {damage.what} {damage.remedy}"
