"""What stands in a folder at one moment, so that a later look tells whether it changed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from layout import walk
from layout.disk import Disk

Snapshot = tuple[tuple[str, int, int, int], ...]  # path, size, mtime_ns, ctime_ns


def snapshot(disk: Disk, inside: Path) -> Snapshot:
    """What stands in INSIDE now, ignored names aside."""
    return tuple(_rows(disk, inside))


def stands(disk: Disk, inside: Path, seen: Snapshot) -> bool:
    """Whether INSIDE is still as SEEN: what ``snapshot(disk, inside) == seen`` says, sooner."""
    rows = _rows(disk, inside, frozenset(path for path, *_ in seen))
    return all(row == before for row, before in zip_longest(rows, seen))


def _rows(
    disk: Disk, inside: Path, known: frozenset[str] = frozenset()
) -> Iterator[tuple[str, int, int, int]]:
    return (
        (path, each.st_size, each.st_mtime_ns, each.st_ctime_ns)
        for path, each in walk.attributes_below(disk, inside, known)
    )
