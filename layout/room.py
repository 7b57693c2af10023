"""Room on a disk that is not told in bytes: how many files it can hold."""

from __future__ import annotations

import os
from pathlib import Path


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
