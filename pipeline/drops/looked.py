"""One look into a file of a drop: what it is not, what it is, and whether its end is there."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO, NamedTuple

from layout.tree import is_job_toml
from pipeline.drops import jobtoml
from pipeline.drops.entries import DropEntry
from pipeline.drops.item import Item, item_of
from pipeline.drops.items import MEMBERS
from pipeline.errors import InputRejected
from pipeline.formats import completeness, contradictions, signatures, zeros
from pipeline.formats.bytes import HEAD

LONG = 16 << 20  # bytes of a text that is read to its end only once


class Looked(NamedTuple):
    """What one look into a file showed. ``ends``: what is missing at its end, and what of it is not
    filled, in words; None where that was not looked at."""

    contradiction: str | None
    item: Item | None = None  # None: an archive, or not sound enough to be one thing
    ends: tuple[str | None, str | None] | None = None
    asked: bytes | None = None  # all of a job.toml


def is_long(found: DropEntry) -> bool:
    """Whether finding the end of FOUND may mean to read it all."""
    reads_all = signatures.packed(found.name) or signatures.suffix(found.name) in signatures.TEXT
    return found.size > LONG and reads_all


def read(found: DropEntry, file: BinaryIO, ends: bool) -> Looked:
    head = file.read(HEAD)
    asks = is_job_toml(found.path) and found.size <= jobtoml.LIMIT
    asked = head + file.read(jobtoml.LIMIT) if asks else None
    if really := contradictions.contradiction(found.name, head):
        return Looked(really, asked=asked)
    seen = Looked(None, ends=ends_of(found, file) if ends else None, asked=asked)
    if any(seen.ends or ()) or signatures.suffix(found.name) in MEMBERS:
        return seen
    file.seek(0)
    # what is wrong with it is identify's to say
    with suppress(InputRejected):
        return seen._replace(item=item_of(found.path, found.path, file, found.size))
    return seen


def ends_of(found: DropEntry, file: BinaryIO) -> tuple[str | None, str | None]:
    file.seek(0)
    missing = completeness.cut_off(found.name, found.size, file)
    if missing:
        return missing, zeros.zeros_at_end(found.size, file)
    return None, zeros.empty_space(found.name, found.size, file)
