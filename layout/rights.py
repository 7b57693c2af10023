"""Which permission is missing, told from what the file system says, not from the number of the
error alone."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

_GET_FLAGS, _IMMUTABLE, _APPEND_ONLY = 0x80086601, 0x10, 0x20
_DENIED = (errno.EACCES, errno.EPERM)
_ANOTHER_DISK = ": it lies on another disk than the rest; copy it here instead"
_FAILS = ": the disk or the share fails there; look at the file server, or take it away"
FORBIDS = "was refused although its permissions allow it: the share forbids it by rules of its own"
_REMEDIES = {
    errno.EBUSY: ": a program of the file server holds it; stop that, or copy what is in it",
    errno.EXDEV: _ANOTHER_DISK,
    errno.ENOTDIR: ": a file stands where a folder belongs; rename it, or take it away",
    errno.ELOOP: ": it is a link, or lies behind links; put the thing itself in its place",
    errno.EIO: _FAILS,
    errno.ESTALE: _FAILS,
}


def words(error: OSError, path: Path) -> str:
    """In words, what kept an entry at PATH from being handled and what to grant. ERROR may name
    another path, or two (a rename)."""
    source = _path(error.filename) or path
    goal = _path(getattr(error, "filename2", None))
    if goal is not None and os.path.lexists(goal):  # a file was to be replaced
        source = goal
    if error.errno == errno.EISDIR:
        return (
            f"{_shown(source, path)} is a folder where a file belongs: rename it, or take it away"
        )
    if error.errno == errno.ENAMETOOLONG:
        return "it holds a name or a path that is too long for this share: shorten it"
    if error.errno in (errno.EBUSY, errno.EXDEV) and os.path.ismount(source):
        return (
            f"{_shown(source, path)} is a disk of its own that is mounted here, and cannot be"
            " moved: copy what is on it into a folder beside it"
        )
    if error.errno not in _DENIED:
        remedy = _REMEDIES.get(error.errno or 0, "")
        return f"{_shown(source, path)}: {error.strerror or error}{remedy}"
    if goal is not None:
        return unmovable(source, goal.parent)
    return unusable(source, path)


def closed(folder: Path) -> str | None:
    """In words, why nothing may be put into FOLDER, and what to grant; None where it may."""
    entry = PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder / "entry"))
    return withheld(entry, [folder])


def withheld(error: OSError, folders: Iterable[Path]) -> str | None:
    """In words, the one of FOLDERS that may not be entered, or whose entries may not be changed,
    and what to grant, where that is why ERROR was raised; None where none of them is in the way."""
    if error.errno not in _DENIED:
        return None
    named = [
        path
        for name in (error.filename, getattr(error, "filename2", None))
        if (path := _path(name))
    ]
    for folder in (folder for folder in folders if any(folder in path.parents for path in named)):
        if not _may(folder, os.X_OK):
            return (
                f"the folder {folder.name} may not be entered: give the group the right to enter it"
                f" (chmod g+rwx{_group(folder)})"
            )
        if any(path.parent == folder for path in named) and (attribute := _attribute(folder)):
            return attribute
        if any(path.parent == folder for path in named) and not _may(folder, os.W_OK):
            return f"the folder {folder.name} cannot be written: {_write(folder)}"
    return None


def unusable(source: Path, entry: Path) -> str:
    """Why SOURCE, at or below ENTRY, can be neither read nor written, and what to grant."""
    name = _shown(source, entry)
    for parent in reversed(source.parents):
        if not parent.is_relative_to(entry.parent) or not os.path.lexists(parent):
            continue
        if not _is_folder(parent):
            return f"{parent.name}{_REMEDIES[errno.ENOTDIR]}"
        if not _may(parent, os.X_OK):
            return f"the folder {parent.name} may not be entered: {_enter(parent)}"
    if allowed(source):
        return _forbidden(name)
    if not os.path.lexists(source) and source in entry.parents:
        return f"the folder {source} is not there, and may not be made: make it, or name another"
    if not os.path.lexists(source):
        what = (
            f"{name} cannot be made"
            if source.is_relative_to(entry)
            else f"nothing can be made in {source.parent.name}"
        )
        return _attribute(source.parent) or f"{what}: {_write(source.parent)}"
    if attribute := _attribute(source) or _attribute(source.parent):
        return attribute
    if not _may(source, os.R_OK):
        return (unlistable if _is_folder(source) else unreadable)(source, name)
    if _is_folder(source) and not _may(source, os.X_OK):
        return (
            f"the folder {name} may not be entered: give the group the right to enter it (chmod"
            f" g+rx{_group(source)})"
        )
    only_itself = _may(source.parent, os.W_OK) and not _may(source, os.W_OK)
    return f"{name} cannot be written: {_write(source if only_itself else source.parent)}"


def allowed(path: Path) -> bool:
    """Whether permissions and attributes let this process read and change PATH, or make it: then
    what refuses it is nothing that a person could grant there."""
    folder, there = path.parent, os.path.lexists(path)
    return not (
        (_attribute(path) if there else None)
        or _attribute(folder)
        or not _may(folder, os.W_OK | os.X_OK)
        or not _may(path, os.R_OK | os.W_OK | (os.X_OK if there and _is_folder(path) else 0))
    )


def unreadable(path: Path, name: str) -> str:
    """That the file at PATH, which a person knows as NAME, cannot be read, and what to grant."""
    if _reachable(path) and _may(path, os.R_OK):
        return _forbidden(name)
    return f"{name} cannot be read: give the group read permission on it (chmod g+r{_group(path)})"


def unlistable(path: Path, name: str) -> str:
    """That what is in the folder at PATH, which a person knows as NAME, cannot be seen, and what to
    grant."""
    if _reachable(path) and _may(path, os.R_OK | os.X_OK):
        return _forbidden(f"the folder {name}")
    return f"the folder {name} cannot be read: {_enter(path)}"


def _forbidden(name: str) -> str:
    return f"{name} {FORBIDS}; look there, or let its owner move it"


def _reachable(path: Path) -> bool:
    return all(_may(parent, os.X_OK) for parent in path.parents)


def _enter(folder: Path) -> str:
    return f"give the group the right to enter and read it (chmod g+rx{_group(folder)})"


def unmovable(path: Path, goal: Path) -> str:
    """Why PATH cannot be renamed into folder GOAL, and what to grant."""
    for changed in (path, path.parent, goal):
        if attribute := _attribute(changed):
            return attribute
    for parent in (path.parent, goal):
        if not _may(parent, os.W_OK | os.X_OK):
            return f"{path.name} cannot be moved: {_write(parent)}"
    if _is_folder(path) and not _may(path, os.W_OK) and path.parent != goal:
        return (
            "give the group write permission on the folder: it must be moved (chmod g+w"
            f" {path.name}{_group(path)})"
        )
    if _sticky(path):
        return (
            f"{path.name} belongs to another user and {path.parent.name}/ lets owners alone move"
            f" their files (sticky bit): take that bit away (chmod -t {path.parent.name})"
        )
    return (
        f"{path.name} cannot be moved: it belongs to another user, or the share forbids it; let its"
        " owner move it"
    )


def _write(folder: Path) -> str:
    return f"give the group write permission on {folder.name} (chmod g+w{_group(folder)})"


def _group(path: Path) -> str:
    """The group must be one that this process is in, else its permissions are of no use."""
    try:
        gid = path.stat().st_gid
    except OSError:
        return ""
    return (
        ""
        if gid in (os.getegid(), *os.getgroups())
        else f", after chgrp {os.getegid()}: its group has no inbox3d in it"
    )


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _may(path: Path, how: int) -> bool:
    """Whether this process may; a path that is not there forbids nothing."""
    return os.access(path, how, effective_ids=True) or not os.path.lexists(path)


def _sticky(path: Path) -> bool:
    try:
        parent, own = path.parent.stat(), path.lstat()
    except OSError:
        return False
    return bool(parent.st_mode & stat.S_ISVTX) and os.geteuid() not in (
        0,
        parent.st_uid,
        own.st_uid,
    )


def _attribute(path: Path) -> str | None:
    """In words, the attribute that keeps even the owner from changing PATH; None where there is
    none, or where it cannot be told."""
    try:
        if stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            return None
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            (flags,) = struct.unpack("l", fcntl.ioctl(handle, _GET_FLAGS, bytes(8)))
        finally:
            os.close(handle)
    except OSError:
        return None
    if not flags & (_IMMUTABLE | _APPEND_ONLY):
        return None
    letter = "i" if flags & _IMMUTABLE else "a"
    what = "immutable" if letter == "i" else "append-only"
    return (
        f"{path.name} is {what}: nobody can move or change it; take the attribute away (chattr"
        f" -{letter} {path.name})"
    )


def _path(name: object) -> Path | None:
    return Path(os.fsdecode(name)) if isinstance(name, str | bytes | os.PathLike) and name else None


def _shown(source: Path, entry: Path) -> str:
    """SOURCE as a person finds it: below the entry that it belongs to, else by its own name."""
    return (
        str(source.relative_to(entry))
        if source != entry and source.is_relative_to(entry)
        else source.name
    )
