"""What lies below a folder, without a call for each level: a tree that a tool copied into itself is
deeper than Python may call.

The limits are those of a drop: beyond them no path is sure to be spelled on every mount, in scratch
and in a zip.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from layout import names
from layout.disk import Disk, Entry, LineFault, Stood

E = TypeVar("E", Entry, Stood)

DEPTH = 100  # folders in one another below a drop
PATH_BYTES = 1000  # of a path relative to the drop
SURELY_SHORT = PATH_BYTES // 4  # characters
LISTED = 100_000  # files of a refused drop that are written down


class BeyondLimits(ValueError):
    """A path in a drop is longer, or its folders are deeper in one another, than any drop may hold.
    Submitter: flatten it."""

    remedy = "Take the folder that repeats or goes too deep out"


def beyond(path: str) -> str | None:
    """In words, which limit PATH (relative to its drop) breaks; None where it keeps to them."""
    if path.count("/") >= DEPTH:
        return f"holds folders more than {DEPTH} deep in one another ({_begin(path)})"
    if len(os.fsencode(path)) > PATH_BYTES:
        return f"holds a path of more than {PATH_BYTES} bytes ({_begin(path)})"
    return None


def _begin(path: str) -> str:
    return f"{path[:40]}…"


def attributes_below(
    disk: Disk, root: Path, known: Container[str] = ()
) -> Iterator[tuple[str, os.stat_result]]:
    """(path relative to ROOT, an input/, its attributes) of every file that is not ignored, folder
    by folder in name order, with one call for a folder. Of KNOWN paths it was found before that
    they count. The limits are those of what was dropped there."""
    for path, (_, _, attributes) in _below(root, disk.stats, known):
        if attributes is not None:
            yield path, attributes


def paths_below(disk: Disk, root: Path) -> Iterator[str]:
    """The same paths, by their names alone; each folder is looked at when its turn comes."""
    return (path for path, _ in _below(root, disk.scandir))


def _below(
    root: Path, look: Callable[[Path], list[E]], known: Container[str] = ()
) -> Iterator[tuple[str, E]]:
    within = [("", iter(sorted(look(root))))]  # the folders from ROOT down to the present one
    while within:
        start, entries = within[-1]
        for entry in entries:
            name, is_dir, *_ = entry
            path = start + name
            if path not in known:
                if names.ignored(name, is_dir):
                    continue
                deep = len(path) > SURELY_SHORT or len(within) > DEPTH
                drop, inner = _in_input(path)
                if deep and (words := beyond(inner)):
                    raise BeyondLimits(f"{drop} {words}")
            if is_dir:
                within.append((f"{path}/", iter(sorted(look(root / path)))))
                break
            yield path, entry
        else:
            within.pop()


def files_below(disk: Disk, root: Path, whole: bool = True) -> list[tuple[str, int]]:
    """(path relative to ROOT, size) of every regular file that is not ignored, folder by folder in
    name order.

    BeyondLimits where a limit of drops is broken; with WHOLE false what lies beyond is left out.
    """
    return _files(disk, root, [("", True)], whole, lambda path: (root.name, path))


def files_among(
    disk: Disk, inside: Path, entries: Iterable[Entry], whole: bool = True
) -> list[tuple[str, int]]:
    """The same, for ENTRIES that were seen in INSIDE, an input/; the limits are those of each of
    them, as they were in inbox/."""
    first = [(entry.name, entry.is_dir) for entry in sorted(entries, reverse=True)]
    return _files(disk, inside, first, whole, _in_input)


def _in_input(path: str) -> tuple[str, str]:
    """The drop, and the path in it, of a PATH in input/."""
    drop, _, rest = path.partition("/")
    return drop, rest


def _files(
    disk: Disk,
    root: Path,
    ahead: list[tuple[str, bool]],
    whole: bool,
    of_drop: Callable[[str], tuple[str, str]],
) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    while ahead and (whole or len(found) < LISTED):
        path, is_dir = ahead.pop()
        drop, inner = of_drop(path)
        if words := beyond(inner):
            if whole:
                raise BeyondLimits(f"{drop} {words}")
        elif is_dir:
            entries = sorted(
                (e for e in disk.scandir(root / path) if not names.ignored(e.name, e.is_dir)),
                reverse=True,
            )
            ahead += [
                (f"{path}/{entry.name}" if path else entry.name, entry.is_dir) for entry in entries
            ]
        elif (attributes := _attributes(disk, root / path)) and stat.S_ISREG(attributes.st_mode):
            found.append((path, attributes.st_size))
    return found


def _attributes(disk: Disk, path: Path) -> os.stat_result | None:
    """Of a file that was listed; None where it is gone. Not seen proves nothing on a network mount:
    a job.toml left out for that would take its options along."""
    if (found := disk.lstat(path) or disk.lstat(path)) is None and disk.seen(path):
        raise LineFault(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
    return found
