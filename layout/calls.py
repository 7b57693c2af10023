"""The system calls behind ``Disk``: by descriptors, following no link."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_FIRST, _CHUNK = 64 << 10, 4 << 20  # most files of a drop of very many are small


class Entry(NamedTuple):
    name: str
    is_dir: bool


class Stood(NamedTuple):
    """An entry of a folder with its own attributes; None where it is listed but not to be seen."""

    name: str
    is_dir: bool
    attributes: os.stat_result | None


def listed(path: Path) -> list[Entry]:
    with os.scandir(path) as entries:
        return [Entry(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def stood(path: Path) -> list[Stood]:
    found = []
    with os.scandir(path) as entries:
        for entry in entries:
            try:
                found.append(
                    Stood(
                        entry.name,
                        entry.is_dir(follow_symlinks=False),
                        entry.stat(follow_symlinks=False),
                    )
                )
            except FileNotFoundError:
                found.append(Stood(entry.name, False, None))
    return found


def sync_around(path: Path) -> None:
    """Everything that is not yet on the disk of PATH's file system, whoever wrote it."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBC.syncfs(handle):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(handle)


def fsync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(PermissionError):
            os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def read(path: Path, limit: int | None) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        return file.read() if limit is None else file.read(limit)


def write(path: Path, data: bytes, flag: int, durable: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flag, 0o664)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.truncate()
        file.flush()
        if durable:
            os.fsync(file.fileno())


def copy(
    source: Path | str, target: Path | str, durable: bool, tick: Callable[[int], None] | None = None
) -> str:
    """By bare file descriptors: with fifty thousand small files every object counts."""
    digest, size = hashlib.sha256(), _FIRST
    reader = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        writer = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            while chunk := os.read(reader, size):
                digest.update(chunk)
                _write_all(writer, chunk)
                size = _CHUNK
                if tick:
                    tick(len(chunk))
            if durable:
                os.fsync(writer)
        finally:
            os.close(writer)
    finally:
        os.close(reader)
    return digest.hexdigest()


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
