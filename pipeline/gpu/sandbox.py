"""Confine the calling process for good: rlimits, Landlock, no new privileges, and no network where
that is asked for.

Linux only, by ctypes. Native parsers run behind this on files that strangers made: a process
confined here reads the system, the interpreter and what it is told to, and writes to one directory.
See landlock(7).
"""

from __future__ import annotations

import ctypes
import os
import resource
from collections.abc import Sequence
from pathlib import Path

from pipeline import libraries

# the system call numbers are the same on every architecture
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_NO_NEW_PRIVS, _DEATH_SIGNAL, _NEW_NETWORK = 38, 1, 0x40000000
_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc",
    "/proc",
    "/sys",
    "/dev/urandom",
    "/dev/zero",
    "/dev/null",
)

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("handle", ctypes.c_int32)]


def die_with_parent(number: int = 9) -> None:
    """Send this process signal NUMBER (SIGKILL) when the thread that started it ends; programs that
    it becomes keep that."""
    _libc.prctl(_DEATH_SIGNAL, number, 0, 0, 0)


def landlock_version() -> int:
    """The kernel's Landlock ABI; below 1 there is none."""
    return int(_libc.syscall(_CREATE, None, 0, 1))


def limit(memory: int, file_size: int = 64 << 30) -> None:
    """Cap address space (MEMORY bytes plus what libraries merely reserve), file size, open files
    and core dumps."""
    for what, value in (
        (resource.RLIMIT_AS, memory + memory // 2 + (6 << 30)),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_NOFILE, 1024),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(
            what, (value if hard == resource.RLIM_INFINITY else min(value, hard),) * 2
        )


def confine(read: Sequence[Path], write: Sequence[Path], network: bool = False) -> bool:
    """Restrict this process; False where the kernel has no Landlock (then only privileges and the
    network are dropped)."""
    if not network:
        _libc.unshare(_NEW_NETWORK)  # needs privilege; Landlock below blocks TCP without it
    if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    version = landlock_version()
    if version < 1:
        return False
    files = (
        (1 << 13) - 1
        | (_REFER if version >= 2 else 0)
        | (_TRUNCATE if version >= 3 else 0)
        | (_IOCTL if version >= 5 else 0)
    )
    rules = _Ruleset(files, 3 if version >= 4 and not network else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    handle = _libc.syscall(_CREATE, ctypes.byref(rules), size, 0)
    if handle < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    for path in [*map(Path, _SYSTEM), *libraries.folders(), *read]:
        _allow(handle, path, _READ & files)
    for path in [*write, Path("/dev/null"), Path("/dev/shm")]:
        _allow(handle, path, files & ~_EXECUTE)
    if _libc.syscall(_RESTRICT, handle, 0):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
    os.close(handle)
    return True


def _allow(rules: int, path: Path, mask: int) -> None:
    if not path.exists():
        return
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not path.is_dir():
            mask &= _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL
        if _libc.syscall(_ADD, rules, 1, ctypes.byref(_Beneath(mask, handle)), 0):
            raise OSError(ctypes.get_errno(), f"landlock_add_rule {path}")
    finally:
        os.close(handle)
