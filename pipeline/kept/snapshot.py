"""What stands in a folder at one moment, so that a later look tells whether it changed."""

from __future__ import annotations

from pathlib import Path

from layout import accept
from layout.disk import Disk

Snapshot = tuple[tuple[str, int, int, int], ...]  # path, size, mtime_ns, ctime_ns


def snapshot(disk: Disk, inside: Path) -> Snapshot:
    """What stands in INSIDE now, ignored names aside."""
    rows = []
    for path, size in accept.files_below(disk, inside):
        attributes = disk.lstat(inside / path)
        if attributes is not None:
            rows.append((path, size, attributes.st_mtime_ns, attributes.st_ctime_ns))
    return tuple(rows)
