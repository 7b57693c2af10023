"""What people may do with a finished job follows the folder that it goes to."""

from __future__ import annotations

import contextlib
import logging
import stat
from pathlib import Path

from layout.tree import Atlas, Place

log = logging.getLogger(__name__)


def seal(atlas: Atlas, place: Place) -> None:
    """Before the job goes to done/: where people may only read that, they may only read the job.
    What is another's can only be named; the share should give every drop to the tree's owner."""
    if _people_write(atlas, atlas.done):
        return
    if others := atlas.disk.close_tree(place.path):
        log.warning(
            "job.open job=%s entries=%d remedy=%s",
            place.id,
            others,
            "these are not the tree owner's: on the share set inherit owner = yes",
        )


def unseal(atlas: Atlas, place: Place) -> None:
    """A job that was sealed and then failed after all can be dragged as any other."""
    found = atlas.disk.lstat(place.path)
    if found and not found.st_mode & stat.S_IWGRP and _people_write(atlas, atlas.failed):
        with contextlib.suppress(PermissionError):  # another's folder: its owner may open it
            place.path.chmod(stat.S_IMODE(found.st_mode) | stat.S_IWGRP)


def _people_write(atlas: Atlas, folder: Path) -> bool:
    found = atlas.disk.lstat(folder)
    return bool(found and found.st_mode & stat.S_IWGRP)
