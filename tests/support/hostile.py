"""Entries and hosts that behave badly: trees too deep, files that nobody may move, other users, a full disk."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import missing


def deep(top: Path, levels: int, name: str = "a", file: bytes = b"") -> Path:
    """TOP with LEVELS folders in one another; a file at the bottom. Made by steps, as its path may be longer than a path may be."""
    top.mkdir()
    handle = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=handle)
        below = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    bottom = os.open("box.stl", os.O_WRONLY | os.O_CREAT, dir_fd=handle)
    os.write(bottom, file)
    os.close(bottom)
    os.close(handle)
    return top


def need_root() -> None:
    if os.geteuid() != 0:
        missing("root", "run the tests as root")


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """PATH cannot be changed or moved, even by root."""
    need_root()
    done = subprocess.run(["chattr", "+i", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"chattr +i does not work here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=False)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A disk of SIZE at FOLDER; yields what makes it another size."""
    need_root()
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield (
            lambda larger: (
                subprocess.run(["mount", "-o", f"remount,size={larger}", str(folder)], check=True)
                and None
            )
        )
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def as_stranger(call: Callable[[], str], uid: int = 1500, gid: int = 1500) -> str:
    """What CALL says in a process that is neither root nor in any group of this one's but GID."""
    need_root()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
            os.write(writer, call().encode())
        except BaseException as error:
            os.write(writer, f"failed: {error!r}".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read().decode()
    os.waitpid(pid, 0)
    return said


def map_and_fill(path: Path, size: int) -> None:
    """Write SIZE bytes to PATH through memory: where the disk is full the process gets SIGBUS, not an error."""
    import mmap

    with path.open("w+b") as file:
        file.truncate(size)
        with mmap.mmap(file.fileno(), size) as memory:
            ctypes.memset(ctypes.addressof(ctypes.c_char.from_buffer(memory)), 1, size)
