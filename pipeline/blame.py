"""Whose fault an error is, told by its number and by where its path lies: the host's, the
operator's, the submitter's or the stage's.

A full scratch is a fault of this host and of no job; a weight that may not be read, or a damaged
package, is the operator's; a file of the drop that may not be read is the submitter's. What is left
is a stage that could not do its work.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from layout import rights, room
from layout.disk import LineFault
from layout.tree import INPUT, Atlas
from layout.walk import BeyondLimits
from pipeline import libraries
from pipeline.errors import (
    BackendUnavailable,
    EngineDied,
    HostFault,
    InputRejected,
    MemoryExceeded,
    OutOfGpuMemory,
    PipelineError,
    StageFailed,
)

# bytes: with less than that free a disk is full; what was written to it last may be cut off
SPARE = 64 << 10
HOST = frozenset(
    {*room.FULL, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENFILE}
)
DENIED = (errno.EACCES, errno.EPERM)
_SAID = {os.strerror(number): number for number in (*room.FULL, errno.EROFS)}
GRANT = "Give the group read permission on what was dropped (chmod -R g+rX on its input/)."
ELSEWHERE = "set [host] scratch in that host's host.toml to another disk"
FEWER = f"Delete files there, raise that limit, or {ELSEWHERE}; work resumes by itself."
LET = "Let the file server allow it, or copy what was dropped to inbox/ again."
OPEN = "Give the group the right to read and write the job's whole folder (chmod -R g+rwX)."


class Grounds(NamedTuple):
    """Where the things lie that a path may belong to."""

    scratch: Path
    models: Path | None = None
    atlas: Path | None = None


def of(error: BaseException, grounds: Grounds) -> PipelineError | LineFault:
    """ERROR as the one that names who must act. What is told already stays, unless a full scratch
    made it."""
    if isinstance(error, PipelineError):
        made = type(error) is EngineDied or (
            isinstance(error, StageFailed) and not isinstance(error, EngineDied)
        )
        return full(grounds.scratch) if made and is_full(grounds.scratch) else error
    if isinstance(error, OSError) and error.errno != errno.ENOMEM:
        return _of_path(error, grounds)
    if isinstance(error, BeyondLimits):
        return InputRejected(f"{error}.", remedy=f"{error.remedy}.")
    for words, number in _SAID.items():
        if words in str(error):  # a library's own error
            return full(grounds.scratch, OSError(number, words))
    if is_full(grounds.scratch):
        return full(grounds.scratch)
    if isinstance(error, MemoryError | OSError):
        return StageFailed(
            "The stage needed more memory than this worker may use.",
            remedy=MemoryExceeded.remedy,
        )
    if isinstance(error, ImportError):
        return BackendUnavailable(f"This worker lacks a package: {error}")
    if type(error).__name__ == "OutOfMemoryError":
        return OutOfGpuMemory()
    return StageFailed(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:300])


def lies_below(error: OSError, folder: Path) -> bool:
    """Whether one of the paths that ERROR names lies in FOLDER."""
    named = (error.filename, getattr(error, "filename2", None))
    return any(isinstance(name, str | Path) and Path(name).is_relative_to(folder) for name in named)


def of_tree(error: OSError, atlas: Atlas) -> LineFault | None:
    """The fault of the line where a folder of the tree itself does not let this worker in: its jobs
    wait for the operator. A folder that a person withheld lies in one job, and is no fault of the
    line."""
    if words := rights.withheld(
        error, (folder for folder in (atlas.root, *atlas.folders()) if folder != atlas.inputs)
    ):
        return LineFault(error.errno, words)
    named = [
        Path(name)
        for name in (error.filename, getattr(error, "filename2", None))
        if isinstance(name, str | Path) and name
    ]
    if (
        error.errno == errno.EXDEV
        and named
        and all(name.is_relative_to(atlas.root) for name in named)
    ):
        folders = " and ".join(dict.fromkeys(_folder(name, atlas) for name in named))
        return LineFault(
            error.errno,
            f"{folders} lie on different disks: no folder of the tree may be a share, a volume or a"
            " mount of its own (inbox3d doctor tells)",
        )
    if error.errno not in DENIED or not named:
        return None
    if all(name.is_relative_to(atlas.pipeline) for name in named):
        return LineFault(
            error.errno,
            f"{named[0].relative_to(atlas.root).parent}: {rights.words(error, named[0])}",
        )
    # A whole job that may not be moved on: it was moved here before, so it is nothing in the job.
    if len(named) == 2 and all(name.parent in atlas.folders() for name in named):
        return LineFault(error.errno, rights.words(error, named[0]))
    return None


def _folder(path: Path, atlas: Atlas) -> str:
    """The folder of the tree in which PATH lies."""
    above = [folder for folder in atlas.folders() if folder in path.parents]
    return str(above[-1].relative_to(atlas.root)) if above else atlas.root.name


def is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < SPARE
    except OSError:
        return False


def full(folder: Path, error: OSError | None = None) -> HostFault:
    """Scratch does not take what a job writes; in words, what it lacks and what to do."""
    number = error.errno if error and error.errno else errno.ENOSPC
    if error is not None and error.errno not in room.FULL:
        where = f"{rights.words(error, folder)} ({folder})" if error.errno in DENIED else folder
        return HostFault(
            f"Scratch cannot be written ({error.strerror}): {where}.",
            remedy=_cure(number),
            number=number,
        )
    if told := room.lack(number, folder):  # not in bytes: EDQUOT says so
        return HostFault(f"Scratch is full: {told} ({folder}).", remedy=FEWER, number=errno.EDQUOT)
    try:
        space = shutil.disk_usage(folder)
        free = f": {size(space.free)} free of {size(space.total)}"
    except OSError:
        free = ": its folder is not there"
    return HostFault(f"Scratch is full{free} ({folder}).", number=number)


def _cure(number: int) -> str:
    """What to do where scratch fails with NUMBER, which is no lack of space."""
    if number in DENIED:
        return (
            f"Let the user that inbox3d runs as write there, or {ELSEWHERE}; work resumes by"
            " itself."
        )
    if number == errno.EROFS:
        return f"Mount that disk for writing, or {ELSEWHERE}; work resumes then."
    if number == errno.EFBIG:
        return f"Files of that size need another kind of disk (FAT takes none): {ELSEWHERE}."
    return f"Check that disk, or {ELSEWHERE}; work resumes by itself."


def size(count: float) -> str:
    """COUNT bytes for a person."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _of_path(error: OSError, grounds: Grounds) -> PipelineError | LineFault:
    path = (
        Path(error.filename) if isinstance(error.filename, str | Path) and error.filename else None
    )
    said = error.strerror or str(error)
    if grounds.atlas and lies_below(error, grounds.atlas):
        if isinstance(error, LineFault):
            return error
        if fault := of_tree(error, Atlas(grounds.atlas)):
            return fault
        if error.errno in DENIED:
            return InputRejected(
                f"{rights.words(error, path or grounds.atlas)}.",
                remedy=_grant(path, Atlas(grounds.atlas)),
            )
        return LineFault(error.errno, said, error.filename)
    if (
        path
        and grounds.models
        and path.is_relative_to(grounds.models)
        and not path.is_relative_to(grounds.scratch)
    ):
        remedy = (
            f"Let this worker's user read {grounds.models}, or fetch the model again: inbox3d"
            " models verify names what is wrong."
        )
        return BackendUnavailable(
            f"The model file {path.relative_to(grounds.models)} cannot be read: {said}.",
            remedy=remedy,
        )
    if path and any(path.is_relative_to(base) for base in libraries.folders()):
        return BackendUnavailable(
            f"The installation is damaged: {path}: {said}.",
            remedy="Install inbox3d again on this host.",
        )
    inside = path is None or path.is_relative_to(grounds.scratch)
    if inside and (
        error.errno in (HOST if path is None else HOST | {errno.EACCES, errno.EPERM})
        or not grounds.scratch.is_dir()
    ):
        return full(grounds.scratch, error)
    if error.errno in room.FULL and path:
        return full(path.parent, error)
    # the worker's own; a stage's limit is the stage's
    if error.errno == errno.EMFILE and grounds.atlas:
        return HostFault(
            "This worker has too many files open.",
            remedy="Start inbox3d up again on that host.",
            number=error.errno,
        )
    return StageFailed(f"{path.name}: {said}." if path else f"{said}.")


def _grant(path: Path | None, atlas: Atlas) -> str:
    """What a person is to grant on PATH: what was dropped is only read, the rest of the job's
    folder is written too. Nothing, where its permissions are in nobody's way."""
    if path and rights.allowed(path):
        return LET
    parts = path.relative_to(atlas.root).parts if path and path.is_relative_to(atlas.root) else ()
    return OPEN if parts[:1] == (atlas.processing.name,) and parts[2:3] != (INPUT,) else GRANT
