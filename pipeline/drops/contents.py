"""What is read inside the files of one drop. Every answer is kept per (path, size, mtime,
ctime): a tick reads nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from layout.disk import LINE_ERRNOS, LineFault
from layout.tree import is_job_toml
from pipeline.drops import jobtoml
from pipeline.drops.entries import DropEntry, Listing
from pipeline.drops.items import Known
from pipeline.drops.looked import Looked, ends_of, is_long, read
from pipeline.drops.own_folder import FILE
from pipeline.errors import InputRejected
from pipeline.formats import signatures
from pipeline.formats.bytes import open_file

PIECE = 256 << 20  # bytes hashed in one look

Opener = Callable[[Path], BinaryIO]


@contextmanager
def reading(top: Path) -> Iterator[None]:
    """Inside, faults of the share that holds TOP are raised as LineFault: they say nothing about a
    drop."""
    try:
        yield
    except LineFault:
        raise
    except OSError as error:
        if error.errno in LINE_ERRNOS:
            raise LineFault(error.errno, error.strerror, str(error.filename or top)) from error
        raise


@dataclass
class Digest:
    """A SHA-256 that is worked on piece by piece."""

    state: Any = field(default_factory=hashlib.sha256)
    at: int = 0
    done: bool = False

    def go_on(self, file: BinaryIO) -> None:
        file.seek(self.at)
        end = self.at + PIECE
        while self.at < end:
            block = file.read(min(1 << 20, end - self.at))
            if not block:
                self.done = True
                return
            self.state.update(block)
            self.at += len(block)

    @property
    def hex(self) -> str:
        return str(self.state.hexdigest())


class Contents:
    """Questions about files of one drop, all answered by opening each once: as soon as it stands
    still in two looks. The end of a long text is looked at later, when the whole drop is quiet: to
    count its lines at every pause of a copier would read it again and again."""

    def __init__(self, opener: Opener = open_file) -> None:
        self.opener = opener
        self._looked: dict[DropEntry, Looked] = {}
        self._lists: dict[DropEntry, tuple[jobtoml.ListedFile, ...]] = {}
        self._digests: dict[DropEntry, Digest] = {}
        self._there: set[DropEntry] = set()
        self._steady: set[DropEntry] = set()

    def changed(self, found: Collection[DropEntry]) -> None:
        """FOUND is there now. Forget files that changed or went away; what was there before is
        steady."""
        there = set(found)
        self._steady, self._there = self._there & there, there
        cache: dict[DropEntry, Any]
        for cache in (self._looked, self._lists, self._digests):
            for gone in cache.keys() - there:
                del cache[gone]

    def unchanged(self) -> None:
        """All is as it was in the look before."""
        self._steady = self._there

    def contradiction(self, look: Listing, found: DropEntry, sealed: bool = False) -> str | None:
        """What FOUND is by its first bytes, in words, if that is surely not what its suffix says. A
        file that is still changing is not asked; one of a SEALED drop at once, its end not at
        all."""
        if found.kind != FILE or not found.size or not (sealed or found in self._steady):
            return None
        return self._look(look, found, ends=not sealed and not is_long(found)).contradiction

    def missing(self, look: Listing, found: DropEntry) -> str | None:
        """What FOUND lacks at its end, in words."""
        if found.kind != FILE:
            return None
        if not found.size:
            known = signatures.suffix(found.name) in signatures.NEVER_EMPTY or signatures.packed(
                found.name
            )
            return "it is empty (0 bytes)" if known else None
        return self._end(look, found)[0]

    def unfilled(self, look: Listing, found: DropEntry) -> str | None:
        """What of FOUND is still empty space that a copier made room for, in words."""
        return self._end(look, found)[1] if found.kind == FILE and found.size else None

    def _end(self, look: Listing, found: DropEntry) -> tuple[str | None, str | None]:
        ends = self._look(look, found).ends
        if ends is None:
            with self.opener(look.where(found)) as file:
                ends = ends_of(found, file)
            self._looked[found] = self._looked[found]._replace(ends=ends)
        return ends

    def _look(self, look: Listing, found: DropEntry, ends: bool = True) -> Looked:
        if found not in self._looked:
            with self.opener(look.where(found)) as file:
                self._looked[found] = read(found, file, ends)
        return self._looked[found]

    def known(self, look: Listing) -> Known:
        """What was read of LOOK's files, for whoever asks for their kind."""
        there = {look.where(found): seen for found, seen in self._looked.items()}
        return Known(
            {path: seen.item for path, seen in there.items() if seen.item},
            {path: seen.asked for path, seen in there.items() if seen.asked is not None},
        )

    def listed(self, look: Listing) -> tuple[jobtoml.ListedFile, ...]:
        """The [[files]] of the drop's job.toml; nothing where it cannot be read (what is wrong with
        it is identify's to say)."""
        found = next((each for each in look.files if is_job_toml(each.path)), None)
        if found is None or not look.is_folder or look.is_job or found.size > jobtoml.LIMIT:
            return ()
        if found not in self._lists:
            try:
                data = self._look(look, found).asked or b""
                self._lists[found] = jobtoml.parse(data).files
            except InputRejected:
                self._lists[found] = ()
        return self._lists[found]

    def sha256(self, look: Listing, found: DropEntry) -> str | None:
        """The checksum of FOUND, or None while it is still worked on: a large drop must not stop
        the watch over all others."""
        digest = self._digests.setdefault(found, Digest())
        if not digest.done:
            with self.opener(look.where(found)) as file:
                digest.go_on(file)
        return digest.hex if digest.done else None
