"""Taking away the group's right to write from what is finished."""

from __future__ import annotations

import os
import stat

OTHERS = stat.S_IWGRP | stat.S_IWOTH
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def close(path: str) -> int:
    """Nobody but the owner can write to the folder PATH, nor to a folder or file below it. Returns
    how many are another's and stay as they are.

    A file that has a second name somewhere (a hard link) stays too: it is not the job's alone.
    """
    return _closed(path, None)


def _closed(name: str, folder: int | None) -> int:
    try:
        handle = os.open(name, _OPEN, dir_fd=folder)
    except FileNotFoundError:
        return 0
    except PermissionError:
        return 1
    try:
        found = os.fstat(handle)
        kept = _narrow(handle, found)
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(handle) as entries:
                below = [e.name for e in entries if e.is_dir(follow_symlinks=False) or _wide(e)]
            kept += sum(_closed(each, handle) for each in below)
        return kept
    finally:
        os.close(handle)


def _wide(entry: os.DirEntry[str]) -> bool:
    """Is ENTRY a file that others may write to?"""
    mode = entry.stat(follow_symlinks=False).st_mode
    return stat.S_ISREG(mode) and bool(mode & OTHERS)


def _narrow(handle: int, found: os.stat_result) -> int:
    """Take the right away from the open entry; 1 where it cannot be."""
    if not found.st_mode & OTHERS:
        return 0
    if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        return 1
    try:
        os.fchmod(handle, stat.S_IMODE(found.st_mode) & ~OTHERS)
    except PermissionError:
        return 1
    return 0
