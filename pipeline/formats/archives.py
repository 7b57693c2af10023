"""Archives in a drop: .gz of one file, .zip, .tar, .tar.gz, and .gz files inside those; and the one
budget that all of them have.

Members never choose where they land: each is written to a file that the caller names, so
../../etc/x does no harm.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from layout import names
from pipeline.errors import InputRejected
from pipeline.formats.bytes import open_file
from pipeline.formats.refusals import Source

MOST_FILES = 10_000
MOST_BYTES = 64 << 30
MOST_RATIO = 200  # deflate reaches 1000 on zeros; scans reach about 10, text about 20
FREE_BYTES = 64 << 20  # below this the ratio does not matter
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    NotImplementedError,
    gzip.BadGzipFile,
)
TARS = (".tar", ".tgz", ".tar.gz")
_BLOCK = 1 << 20


class Member(NamedTuple):
    """name: its path inside, as it is told; size: as the table of contents has it; at: where a tar
    holds it."""

    name: str
    stream: IO[bytes]
    size: int
    at: int = 0


def too_large(total: int, packed: int) -> bool:
    """Whether TOTAL bytes may not come out of an archive of PACKED bytes."""
    return total > MOST_BYTES or total > max(FREE_BYTES, MOST_RATIO * packed)


class Budget:
    """What may still be unpacked from one archive."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.packed = source.path.stat().st_size
        self.bytes = self.files = 0

    def take(self, many: int) -> None:
        self.bytes += many
        if too_large(self.bytes, self.packed):
            far = (
                f"{self.name} unpacks to far more than it weighs (over {self.bytes >> 20} MB from"
                f" {self.packed >> 10} kB)"
            )
            raise InputRejected(far, remedy="If it is no mistake, drop the unpacked files instead.")

    def one_more(self) -> None:
        self.files += 1
        if self.files > MOST_FILES:
            raise InputRejected(
                f"{self.name} holds more than {MOST_FILES} files",
                remedy="Pack only what the job needs.",
            )


def is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tgz", ".tar", ".gz"))


def unpack(source: Source, target: Callable[[int], Path]) -> list[Source]:
    """The files inside an archive, sorted by name ("a.zip/folder/b.ply"), each written to
    TARGET(its number). What a system puts beside people's files is left out. InputRejected where it
    is damaged, locked or beyond the budget."""
    budget, lower = Budget(source), source.name.lower()
    try:
        if lower.endswith(".zip"):
            members = _claimed(source, budget)
        elif lower.endswith(TARS):
            members = tar_members(source.path)
        else:
            members = _gz(source)
        unpacked = [
            _write(source, member, budget, target) for member in members if _wanted(member.name)
        ]
    except RuntimeError as error:
        raise _refused(
            source,
            "is locked with a password" if not isinstance(error, NotImplementedError) else None,
        ) from None
    except DAMAGED:
        raise _refused(source, None) from None
    return sorted(unpacked, key=lambda one: one.name)


def _refused(source: Source, why: str | None) -> InputRejected:
    if why is None:
        listed = source.name.lower().endswith((".zip", *TARS))
        why = (
            "is damaged: it does not unpack"
            if listed
            else "looks cut off: it does not unpack to its end"
        )
    return InputRejected(
        f"{source.name} {why}",
        remedy="Pack it again, without a password, or drop the files unpacked.",
    )


def _wanted(name: str) -> bool:
    return bool(name) and not any(
        names.ignored(part) for part in PurePosixPath(name).parts if part != ".."
    )


def zip_members(path: Path) -> Iterator[Member]:
    with open_file(path) as file, zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                with archive.open(info) as stream:
                    yield Member(_named(info), stream, info.file_size)


def _named(info: zipfile.ZipInfo) -> str:
    """The name of a member with / between its folders; UTF-8 that is not marked as such, as Macs
    pack it, is seen by its form."""
    name = info.filename
    if not info.flag_bits & 0x800:
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            pass
    return name.replace("\\", "/")


def tar_members(path: Path) -> Iterator[Member]:
    """Links and devices are left alone."""
    with open_file(path) as file, tarfile.open(fileobj=file) as archive:
        for info in archive:
            stream = archive.extractfile(info) if info.isfile() else None
            if stream is not None:
                yield Member(info.name, stream, info.size, info.offset)


def _claimed(source: Source, budget: Budget) -> Iterator[Member]:
    """The members of a zip whose table of contents is within the budget: known before a byte is
    unpacked."""
    with zipfile.ZipFile(source.path) as archive:
        budget.take(sum(info.file_size for info in archive.infolist()))
    budget.bytes = 0
    return zip_members(source.path)


def _gz(source: Source) -> Iterator[Member]:
    with source.path.open("rb") as stream:
        yield Member(source.name, stream, 0)


def _write(source: Source, member: Member, budget: Budget, target: Callable[[int], Path]) -> Source:
    budget.one_more()
    name = member.name if member.name == source.name else f"{source.name}/{member.name}"
    stream = member.stream
    if name.lower().endswith(".gz") and not name.lower().endswith(TARS):
        name, stream = name[:-3], cast("IO[bytes]", gzip.GzipFile(fileobj=stream))
    path = target(budget.files)
    with path.open("wb") as out:
        while block := stream.read(_BLOCK):
            budget.take(len(block))
            out.write(block)
    return Source(name, path)
