"""What may be removed: trash that is due, and this host's scratch whose job has ended."""

from __future__ import annotations

import contextlib
import datetime
import time
from pathlib import Path
from typing import NamedTuple

from layout import labels, lifecycle, names
from layout.scratch import Scratch
from layout.tree import Atlas, State
from pipeline.config import Settings


class Item(NamedTuple):
    path: Path
    why: str


def due(atlas: Atlas, settings: Settings) -> list[Item]:
    """Everything that may go now, with the reason in words."""
    return [*trash_due(atlas, settings.reaper.trash_days), *scratch_due(atlas, settings)]


def trash_due(atlas: Atlas, days: float) -> list[Item]:
    """Deleted jobs older than DAYS by the date in their name; the pipeline's own leftovers at
    once.

    The name alone tells them apart (only ``lifecycle.delete`` gives a bare id): a job.json that is
    not seen, or was damaged before the deletion, makes no leftover of a person's files.
    """
    today, found = datetime.datetime.now(datetime.UTC).date(), []
    for entry in atlas.disk.scandir(atlas.trash):
        path = atlas.trash / entry.name
        with contextlib.suppress(ValueError):
            age = (today - datetime.date.fromisoformat(entry.name.partition("~")[0])).days
            if names.trashed_id(entry.name) is None:
                found.append(Item(path, "left over from the pipeline's own work"))
            elif age >= days:
                found.append(Item(path, f"deleted {age} days ago"))
    return found


def scratch_due(atlas: Atlas, settings: Settings) -> list[Item]:
    """Workspaces whose job neither waits nor runs, once the results had time to be verified
    again."""
    scratch = Scratch(settings.host.scratch / atlas.identity().uuid)
    wanted = {
        place.id
        for state in (State.INBOX, State.CLAIMED, State.PROCESSING)
        for place in atlas.places(state)
    }
    found = []
    for path, parts in scratch.all():
        with contextlib.suppress(FileNotFoundError):  # another worker of this host was faster
            if (
                parts.id not in wanted
                and time.time() - path.stat().st_mtime >= settings.reaper.verify_after
            ):
                found.append(Item(path, "its job has ended"))
    return found


def remove(atlas: Atlas, item: Item) -> None:
    """Delete ITEM, and with a job what people called it. OSError, the first one, where something of
    it cannot go: the next sweep tries again."""
    if (kept := atlas.disk.remove_tree(item.path)) is not None:
        raise kept
    id = names.trashed_id(item.path.name) if item.path.parent == atlas.trash else None
    if id and not any(lifecycle.find(atlas, id) for _ in range(2)):
        labels.forget(atlas, id)
