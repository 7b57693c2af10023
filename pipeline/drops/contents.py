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
from pipeline.drops.own_folder import FILE
from pipeline.errors import InputRejected
from pipeline.formats import completeness, contradictions, signatures, zeros
from pipeline.formats.bytes import HEAD, open_file

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
    """Questions about files of one drop, each answered by opening the file once."""

    def __init__(self, opener: Opener = open_file) -> None:
        self.opener = opener
        self._heads: dict[DropEntry, str | None] = {}
        # what is missing, what is not filled
        self._ends: dict[DropEntry, tuple[str | None, str | None]] = {}
        self._lists: dict[DropEntry, tuple[jobtoml.ListedFile, ...]] = {}
        self._digests: dict[DropEntry, Digest] = {}

    def keep_only(self, found: Collection[DropEntry]) -> None:
        """Forget files that changed or went away."""
        cache: dict[DropEntry, Any]
        for cache in (self._heads, self._ends, self._lists, self._digests):
            for gone in cache.keys() - found:
                del cache[gone]

    def contradiction(self, look: Listing, found: DropEntry) -> str | None:
        """What FOUND is by its first bytes, in words, if that is surely not what its suffix
        says."""
        if found.kind != FILE or not found.size:
            return None
        if found not in self._heads:
            with self.opener(look.where(found)) as file:
                self._heads[found] = contradictions.contradiction(found.name, file.read(HEAD))
        return self._heads[found]

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
        if found not in self._ends:
            with self.opener(look.where(found)) as file:
                missing = completeness.cut_off(found.name, found.size, file)
                unfilled = (
                    zeros.zeros_at_end(found.size, file)
                    if missing
                    else zeros.empty_space(found.name, found.size, file)
                )
                self._ends[found] = missing, unfilled
        return self._ends[found]

    def listed(self, look: Listing) -> tuple[jobtoml.ListedFile, ...]:
        """The [[files]] of the drop's job.toml; nothing where it cannot be read (what is wrong with
        it is identify's to say)."""
        found = next((each for each in look.files if is_job_toml(each.path)), None)
        if found is None or not look.is_folder or look.is_job or found.size > jobtoml.LIMIT:
            return ()
        if found not in self._lists:
            with self.opener(look.where(found)) as file:
                try:
                    self._lists[found] = jobtoml.parse(file.read(jobtoml.LIMIT)).files
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
