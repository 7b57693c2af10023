"""What stands in a folder at one moment, so that a later look tells whether it changed."""

from __future__ import annotations

from pathlib import Path

from layout import walk
from layout.disk import Disk

Snapshot = tuple[tuple[str, int, int, int], ...]  # path, size, mtime_ns, ctime_ns


def snapshot(disk: Disk, inside: Path) -> Snapshot:
    """What stands in INSIDE now, ignored names aside."""
    return tuple(
        (path, each.st_size, each.st_mtime_ns, each.st_ctime_ns)
        for path, each in walk.attributes_below(disk, inside)
    )
