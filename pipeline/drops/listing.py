"""One look at an entry of inbox/: what is there, without following a link or opening a file."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from layout import dropped, names, rights, tree, walk
from layout.disk import Disk

FILE, FOLDER = "file", "folder"
_KINDS = (
    (stat.S_ISREG, FILE),
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
)
_OWN_FOLDERS = frozenset({tree.INPUT, tree.OUTPUT, tree.WORK, tree.EARLIER})
_OWN = _OWN_FOLDERS | {tree.JOB, *tree.OF_ONE_RUN}
_EARLIER = re.compile(
    rf"{tree.EARLIER}/\d+/(?:{'|'.join(map(re.escape, (tree.JOB, *tree.OF_ONE_RUN)))})"
)


class DropEntry(NamedTuple):
    """Something in a drop. path: relative to the drop; for a drop that is one file, its name."""

    path: str
    kind: str  # FILE, FOLDER, or in words what it is instead
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    nlink: int = 1

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


class Denied(str):
    """In words: what this process may not read."""


class Beyond(NamedTuple):
    """A path that no drop may hold; in words, why."""

    words: str


@dataclass(frozen=True)
class Listing:
    """What one look saw. Rubbish is left out; temporary names are kept apart, because they hold a
    drop back, and so are hidden ones.

    temporary: files of a temporary name, and folders of one with what they hold added up (an empty
    one holds nothing back); hidden: names that begin with a dot and may be somebody's drop.
    """

    path: Path
    is_folder: bool
    inode: int
    found: tuple[DropEntry, ...]
    temporary: tuple[DropEntry, ...] = ()
    unclear: tuple[str, ...] = ()  # in words: what could not be seen, or may not be read (Denied)
    too_many: bool = False
    # in words: the limit of drops that a path breaks; what lies behind it was not looked at
    beyond: str | None = None
    hidden: tuple[DropEntry, ...] = ()

    @property
    def signature(self) -> tuple[object, ...]:
        """Changes whenever anything in the drop does; ctime moves even where a copier hides size
        and mtime."""
        return self.inode, self.found, self.temporary, self.hidden

    @cached_property
    def files(self) -> tuple[DropEntry, ...]:
        return tuple(found for found in self.found if found.kind == FILE)

    @cached_property
    def is_job(self) -> bool:
        """Is this a job's folder, by its looks, in whatever state its job.json is? Then what a
        person dropped is in input/ alone.

        A person's own folder that has an input/ is none: what only the pipeline writes, or a job's
        name, must stand beside it.
        """
        return self.is_folder and _is_job(
            self.path.name, {found.path: found.kind for found in self.found}
        )

    def where(self, found: DropEntry) -> Path:
        return self.path / found.path if self.is_folder else self.path


def _is_job(name: str, kinds: Mapping[str, str]) -> bool:
    if kinds.get(f"{tree.OUTPUT}/{tree.CHECKSUMS}") == FILE:
        return _is_ours(kinds) or tree.INPUT in kinds
    own = {
        path
        for path in kinds
        if path in _OWN and kinds[path] == (FOLDER if path in _OWN_FOLDERS else FILE)
    }
    if tree.INPUT not in own:
        return names.named(name) is not None and bool(own) and _is_ours(kinds)
    if names.named(name) is not None and (own != {tree.INPUT} or _is_ours(kinds)):
        return True
    if own & {tree.JOB, tree.ERROR, tree.PROGRESS} or any(
        _EARLIER.fullmatch(path) for path in kinds
    ):
        return True
    return bool(own & {tree.LOG, tree.ERROR_TEXT}) and _is_ours(kinds)


def _is_ours(kinds: Mapping[str, str]) -> bool:
    """Does nothing stand at the top but what a job's folder has, and what a person is told to put
    beside it?"""
    top = (path for path in kinds if "/" not in path)
    return all(
        path in _OWN or path.lower() in tree.MARKERS or tree.is_job_toml(path) for path in top
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
