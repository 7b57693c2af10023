"""What lies in a drop, as one look at it shows: entries and their listing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pipeline.drops.own_folder import FILE, is_own


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
        return self.is_folder and is_own(
            self.path.name, {found.path: found.kind for found in self.found}
        )

    def where(self, found: DropEntry) -> Path:
        return self.path / found.path if self.is_folder else self.path
