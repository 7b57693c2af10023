"""The models folder as a place on a disk: room, rights, one at a time, and folders that appear
whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import BackendUnavailable
from pipeline.weights.catalogue import size


@contextlib.contextmanager
def building(target: Path) -> Iterator[Path]:
    """A hidden folder that becomes TARGET at the end of the block, and disappears where the block
    does not end well."""
    made = target.with_name(f".{target.name}.new")
    remove(made)
    made.mkdir()
    try:
        yield made
        into_place(made, target)
    finally:
        remove(made)


def into_place(made: Path, target: Path) -> None:
    """MADE takes TARGET's name. Killed in between, the older model lies beside it under a hidden
    name; the next time clears that."""
    old = target.with_name(f".{target.name}.old")
    remove(old)
    if target.exists() or target.is_symlink():
        target.rename(old)
    made.rename(target)
    remove(old)


def remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def alone(models: Path, name: str) -> Iterator[None]:
    """One import or pull of NAME at a time."""
    models.mkdir(parents=True, exist_ok=True)
    lock = models / f".{name}.lock"
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackendUnavailable(
                f"{name} is being pulled or imported by another process.",
                remedy="Wait until it ends.",
            ) from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


@contextlib.contextmanager
def disk_in_words(models: Path) -> Iterator[None]:
    """What the disk refuses in this block is said in words, with what to do."""
    try:
        yield
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(models, "") from None
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            cure = (
                f"Give this user the right to read the source and to write to {models}, or set"
                " [host] models to another folder."
            )
            raise BackendUnavailable(f"{error.strerror}{where}.", remedy=cure) from None
        raise BackendUnavailable(
            f"The disk says: {error.strerror}{where}.",
            remedy=f"Look at the disks of the source and of {models}.",
        ) from None


def room(models: Path, needed: int, name: str) -> None:
    """BackendUnavailable with both sizes where NEEDED bytes do not fit."""
    free = shutil.disk_usage(
        next(folder for folder in (models, *models.absolute().parents) if folder.exists())
    ).free
    if needed > free:
        raise _full(
            models,
            f"{name} needs {size(needed)}, {size(free)} are free in {models.absolute()}.",
            needed - free,
        )


def _full(models: Path, words: str, lacking: int = 0) -> BackendUnavailable:
    free = f"Free {size(lacking)}" if lacking else "Free some space"
    return BackendUnavailable(
        words or f"The disk of {models} is full.",
        remedy=f"{free} there, or set [host] models to a folder on another disk.",
    )
