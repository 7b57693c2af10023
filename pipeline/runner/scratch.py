"""Who works in a workspace of this host's scratch: a lock on a file in it, so that no start takes
over what another one still writes to."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import IO

from layout.locks import boot_id, take_lock
from layout.removal import remove
from layout.scratch import Scratch
from layout.tree import Place
from pipeline.runner import input_list

LOCK, GONE = ".lock", ".gone-"


def enter(scratch: Scratch, place: Place, accepted: int) -> IO[bytes]:
    """Make the workspace of PLACE from what an earlier start of the job left on this host, if
    nobody works there, else anew.

    Of starts before the job was last ACCEPTED the copy of input/ is not trusted: a person had it in
    hands. Nothing is trusted that is older than this boot: scratch is not flushed, and a power cut
    leaves files of the right size that hold nothing. Returns the lock.
    """
    root = scratch.of(place)
    for path, parts in scratch.all():
        if parts.id != place.id or path == root or root.exists() or (lock := _taken(path)) is None:
            continue
        if (path / LOCK).read_text() != boot_id():
            lock.close()
            discard(path)
            continue
        if parts.n <= accepted:
            input_list.forget(path)
        try:
            path.rename(root)
            return lock
        except FileNotFoundError:  # it went to make room
            lock.close()
    root.mkdir(parents=True, exist_ok=True)
    if (lock := _taken(root)) is None:  # no other process has this worker's name
        raise RuntimeError(f"{root} is worked in by another process")
    lock.write(boot_id().encode())
    lock.flush()
    return lock


def swept(root: Path) -> bool:
    """Whether somebody tidied the workspace ROOT away under its start: its lock, which no program
    of ours deletes meanwhile, is gone."""
    return not os.path.lexists(root / LOCK)


def discard(root: Path) -> bool:
    """Delete the workspace ROOT, unless somebody works in it: then False. Out of sight in one
    instant, so that no start takes over half of it."""
    away = root.with_name(f"{GONE}{secrets.token_hex(4)}")
    try:
        if (lock := _taken(root)) is None:
            return False
        with lock:
            root.rename(away)
    except OSError:
        return False
    return remove(away) is None


def _taken(root: Path) -> IO[bytes] | None:
    try:
        return take_lock(root / LOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
