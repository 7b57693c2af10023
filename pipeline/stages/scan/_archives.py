"""Archives in a drop: .gz of one file, .zip, .tar, .tar.gz, and .gz files inside those. Sizes are checked before and while unpacking.

Members never choose where they land: each is written to a numbered file, so a name like ../../etc/x does no harm.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from pipeline.errors import InputRejected
from pipeline.stages.scan._raw import Source, broken
from pipeline.workspace import Workspace

MOST_FILES = 10_000
MOST_BYTES = 64 << 30
MOST_RATIO = 200  # deflate reaches 1000 on zeros; scans reach about 10
_FREE_BYTES = 256 << 20  # below this the ratio does not matter
_BLOCK = 1 << 20
_TARS = (".tar", ".tgz", ".tar.gz")


class _Budget:
    """What may still be unpacked from one archive."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.packed = source.path.stat().st_size
        self.bytes = 0
        self.files = 0

    def take(self, many: int) -> None:
        self.bytes += many
        if self.bytes > MOST_BYTES or self.bytes > max(_FREE_BYTES, MOST_RATIO * self.packed):
            raise InputRejected(f"{self.name} unpacks to far more than it weighs (over {self.bytes >> 20} MB from {self.packed >> 10} kB)",
                                remedy="If it is no mistake, drop the unpacked files instead.")  # fmt: skip

    def one_more(self) -> None:
        self.files += 1
        if self.files > MOST_FILES:
            raise InputRejected(f"{self.name} holds more than {MOST_FILES} files", remedy="Drop the scan passes only.")


def is_archive(name: str) -> bool:
    return name.lower().endswith((".zip", ".tar", ".tgz", ".gz"))


def unpack(source: Source, ws: Workspace) -> list[Source]:
    """The scan files inside an archive, in name order; InputRejected when it is damaged or far too large."""
    lower = source.name.lower()
    budget = _Budget(source)
    try:
        if lower.endswith(".zip"):
            members = _zip(source, budget)
        elif lower.endswith(_TARS):
            members = _tar(source)
        else:
            members = _gz(source)
        unpacked = [_write(source, *_plain(name, stream), budget, ws) for name, stream in members]
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise broken(source.name, f"the archive is damaged or locked ({error})") from None
    return sorted(unpacked, key=lambda one: one.name)


def _wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)
    return bool(parts) and not hidden


def _zip(source: Source, budget: _Budget) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(source.path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir() and _wanted(member.filename)]
        claimed = sum(member.file_size for member in members)
        budget.take(claimed)  # before a byte is unpacked
        budget.bytes = 0
        for member in members:
            with archive.open(member) as stream:
                yield f"{source.name}/{PurePosixPath(member.filename).name}", stream


def _tar(source: Source) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(source.path) as archive:
        for member in archive:
            if member.isfile() and _wanted(member.name):  # links and devices are left alone
                stream = archive.extractfile(member)
                if stream is not None:
                    yield f"{source.name}/{PurePosixPath(member.name).name}", stream


def _gz(source: Source) -> Iterator[tuple[str, IO[bytes]]]:
    with source.path.open("rb") as stream:
        yield source.name, stream


def _plain(name: str, stream: IO[bytes]) -> tuple[str, IO[bytes]]:
    """A member as it is, or what is inside it where it is one gzip-packed file."""
    if name.lower().endswith(".gz") and not name.lower().endswith(_TARS):
        return name[:-3], gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]
    return name, stream


def _write(source: Source, name: str, stream: IO[bytes], budget: _Budget, ws: Workspace) -> Source:
    budget.one_more()
    target = ws.path(f"read_passes/unpacked/{PurePosixPath(source.name).name}.{budget.files:05d}")
    with target.open("wb") as out:
        while block := stream.read(_BLOCK):
            budget.take(len(block))
            out.write(block)
    return Source(name, target)
