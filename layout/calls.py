"""The system calls behind ``Disk``: by descriptors, following no link."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
# never a link, never waiting for the other end of a pipe that somebody put there
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_FIRST, _CHUNK = 64 << 10, 4 << 20  # most files of a drop of very many are small


class Entry(NamedTuple):
    name: str
    is_dir: bool


# name, whether a folder, its own attributes (None where it is listed but not to be seen); bare,
# for there may be a hundred thousand
Stood = tuple[str, bool, os.stat_result | None]


def listed(path: Path) -> list[Entry]:
    with os.scandir(path) as entries:
        return [Entry(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def stood(path: Path | str) -> list[Stood]:
    """By the open folder: else the kernel walks to it for every file."""
    handle = os.open(path, FOLDER)
    try:
        with os.scandir(handle) as entries:
            return [_stood(entry) for entry in entries]
    finally:
        os.close(handle)


def _stood(entry: os.DirEntry[str]) -> Stood:
    try:
        return entry.name, entry.is_dir(follow_symlinks=False), entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return entry.name, False, None


def ask(path: Path | str) -> None:
    """What stat() says of a file from now on is no older than this: a network mount answers it from
    its own memory for a while, but asks the server at each open."""
    os.close(os.open(path, _READ))


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
    """At most LIMIT bytes of PATH. By the bare descriptor: most files here are small, and are read
    at every look. A pipe that somebody put there says nothing."""
    found, left, size = [], sys.maxsize if limit is None else limit, _FIRST
    handle = os.open(path, _READ)
    try:
        with contextlib.suppress(BlockingIOError):
            while left and (chunk := os.read(handle, min(left, size))):
                found.append(chunk)
                left, size = left - len(chunk), _CHUNK
    except OSError as error:  # a call on a descriptor knows no name
        error.filename = str(path)
        raise
    finally:
        os.close(handle)
    return b"".join(found)


def write(path: Path, data: bytes, flag: int, durable: bool) -> None:
    handle = os.open(path, _WRITE | flag, 0o664)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.truncate()
        file.flush()
        if durable:
            os.fsync(file.fileno())


def copy(
    source: Path | str,
    target: Path | str,
    durable: bool,
    tick: Callable[[int], None] | None = None,
    within: tuple[int, int] | None = None,
) -> tuple[str, os.stat_result]:
    """The SHA-256 of what was read, and the attributes SOURCE had before. WITHIN: the open folders
    of both, which bear one name then.

    By bare file descriptors: with fifty thousand small files every object counts. Errors name the
    file that they are of, since calls on a descriptor know no name; those of TICK stay as they are.
    """
    digest, size, done = hashlib.sha256(), _FIRST, 0
    at: Path | str | None = source
    (here, there), old, new = (None, None), source, target
    if within is not None:
        (here, there), old = within, str(source).rpartition("/")[2]
        new = old
    try:
        reader = os.open(old, _READ, dir_fd=here)
        try:
            seen, at = os.fstat(reader), target
            writer = os.open(new, _CREATE, 0o666, dir_fd=there)
            try:
                at = source
                # what is longer than it was seen to be has changed: a later look tells
                while done != (seen.st_size or None) and (chunk := os.read(reader, size)):
                    at = target
                    digest.update(chunk)
                    _write_all(writer, chunk)
                    size, done, at = _CHUNK, done + len(chunk), None
                    if tick:
                        tick(len(chunk))
                    at = source
                at = target
                if durable:
                    os.fsync(writer)
            finally:
                os.close(writer)
        finally:
            os.close(reader)
    except OSError as error:
        if at is not None:
            error.filename = str(at)
        raise
    return digest.hexdigest(), seen


def _write_all(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    while written < len(data):
        written += os.write(handle, memoryview(data)[written:])


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, _READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no file", str(path))
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
