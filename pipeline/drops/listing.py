"""One look at an entry of inbox/: what is there, without following a link or opening a file."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from layout import dropped, names, rights, walk
from layout.disk import Disk
from pipeline.drops.entries import Beyond, Denied, DropEntry, Listing
from pipeline.drops.own_folder import FILE, FOLDER

_KINDS = (
    (stat.S_ISREG, FILE),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
)


def look(path: Path, disk: Disk | None = None, limit: int = 100_000) -> Listing:
    """Look at PATH, an entry of inbox/, and at everything below it, at most LIMIT entries.

    What vanishes meanwhile, or is listed but not yet to be seen (directory caches of network
    mounts), is reported as unclear: such a look is evidence of nothing. Raises FileNotFoundError
    when PATH itself is gone, LineFault when the share fails.
    """
    disk = disk or Disk()
    top = disk.lstat(path)
    if top is None:
        raise FileNotFoundError(path)
    if not stat.S_ISDIR(top.st_mode):
        return Listing(path, False, top.st_ino, (_found(path.name, top),))
    seen = list(islice(_walk(disk, path), limit + 1))
    found = sorted(each for each in seen if isinstance(each, DropEntry))
    broken = sorted(each.words for each in seen if isinstance(each, Beyond))
    temporary = [each for each in found if _unfinished(each.path)]
    hidden = [each for each in found if each.name.startswith(".") and not _unfinished(each.path)]
    aside = {*temporary, *hidden}
    return Listing(
        path,
        True,
        top.st_ino,
        tuple(each for each in found if each not in aside),
        _added_up(temporary),
        tuple(each for each in seen if isinstance(each, str)),
        len(seen) > limit,
        broken[0] if broken else None,
        tuple(hidden),
    )


def behind(seen: Listing, disk: Disk, limit: int) -> bool:
    """Whether the drop has moved on from what was SEEN of it, by the server's own word: a network
    mount may show sizes and times of a minute ago, and a copy that goes on would pass for quiet."""
    for found in seen.files:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            disk.ask(seen.where(found))
    return look(seen.path, disk, limit).signature != seen.signature


def _unfinished(path: str) -> str:
    """The part of PATH, from its beginning, that ends in the first temporary name; "" where it has
    none."""
    parts = path.split("/")
    return next(
        ("/".join(parts[: k + 1]) for k, part in enumerate(parts) if names.temporary(part)), ""
    )


def _added_up(temporary: list[DropEntry]) -> tuple[DropEntry, ...]:
    """One entry for each temporary name: a file as it is, a folder with the size, newest times and
    number of the files below it."""
    tops: dict[str, DropEntry] = {}
    for each in (each for each in temporary if each.kind != FOLDER):
        top = _unfinished(each.path)
        other = tops.get(top, DropEntry(top, FOLDER, nlink=0))
        newest = max(other.mtime_ns, each.mtime_ns), max(other.ctime_ns, each.ctime_ns)
        tops[top] = (
            each
            if top == each.path
            else DropEntry(top, FOLDER, other.size + each.size, *newest, other.nlink + 1)
        )
    return tuple(tops.values())


def _walk(disk: Disk, top: Path) -> Iterator[DropEntry | Beyond | str]:
    """Everything below TOP that is no rubbish; a sentence for what could not be looked at. Nothing
    hidden or behind a limit is opened."""
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            entries = disk.scandir(top / folder)
        except PermissionError:
            if _unfinished(folder):
                continue
            yield Denied(rights.unlistable(top / folder, folder or top.name))
            continue
        except (FileNotFoundError, NotADirectoryError):
            yield f"{folder or top.name} is not to be seen at present"
            continue
        for name, is_dir in entries:
            ignored = names.ignored(name, is_dir) and not names.temporary(name)
            if ignored and (names.harmless(name) or not name.startswith(".")):
                continue
            relative = f"{folder}/{name}" if folder else name
            if words := walk.beyond(relative):
                yield Beyond(dropped.printable(words))
                continue
            facts = disk.lstat(top / relative)
            yield _found(relative, facts) if facts else f"{relative} is not to be seen at present"
            if facts and stat.S_ISDIR(facts.st_mode) and not ignored:
                folders.append(relative)


def _found(path: str, facts: os.stat_result) -> DropEntry:
    if stat.S_ISDIR(facts.st_mode):
        return DropEntry(path, FOLDER)  # a folder's own times change with every .DS_Store
    return DropEntry(
        path,
        kind_of(facts.st_mode),
        facts.st_size,
        facts.st_mtime_ns,
        facts.st_ctime_ns,
        facts.st_nlink,
    )


def kind_of(mode: int) -> str:
    """FILE, or in words what something of MODE is that is neither that nor a folder."""
    return next((words for test, words in _KINDS if test(mode)), "a device")
