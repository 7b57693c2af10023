"""Why a disk takes no more: it has no space, no room for files, or a quota is used up."""

from __future__ import annotations

import errno
import os
import pwd
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


def lack(number: int, path: Path | None) -> str | None:
    """In words, what an error NUMBER of FULL says of the disk that holds PATH; None where it is the
    space, which whoever tells it may tell in bytes."""
    if number == errno.EDQUOT:
        return f"a quota of user {_user()} is used up there"
    return no_more_files(path) if path else None


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def no_more_files(path: Path) -> str | None:
    """In words, that the disk which holds PATH takes no more files, whatever space it has; None
    where it does, or does not tell."""
    for folder in (path, *path.parents):
        try:
            disk = os.statvfs(folder)
        except OSError:
            continue
        # file systems that make room for files as they need it tell of none at all
        none_left = disk.f_files > 0 and disk.f_favail == 0
        return (
            f"it holds {disk.f_files} files and folders, and no more (inodes)"
            if none_left
            else None
        )
    return None
