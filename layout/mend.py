"""The small idempotent acts that the edges are made of.

Each may be repeated by anybody, may die half-way and may meet another process that does the same.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Sequence
from pathlib import Path

from layout import dropped, names, tree
from layout.disk import LineFault
from layout.manifest import ACTS, ErrorFile, JobFile, Unreadable, read_job
from layout.tree import Atlas, Place

_TORN = re.compile(
    r"\.(job\.json|error\.(json|txt)|progress\.json|PROGRESS\.txt|log\.txt)\.[0-9a-f]{8}"
)


def set_aside(atlas: Atlas, folder: Path, n: int, what: Sequence[str] = tree.OF_ONE_RUN) -> None:
    """Move WHAT of an earlier run to earlier/<n>/, and drop what an interrupted write left. Nothing
    is overwritten."""
    disk = atlas.disk
    found = [entry.name for entry in disk.scandir(folder)]
    for name in found:
        if _TORN.fullmatch(name):
            with contextlib.suppress(FileNotFoundError):
                disk.unlink(folder / name)
    present = [name for name in found if name in what]
    if not present:
        return
    goal = _earlier(atlas, folder, n)
    taken = {entry.name for entry in disk.scandir(goal)}
    for name in present:
        free = name if name not in taken else f"{name}.{names.nonce()}"
        with contextlib.suppress(FileNotFoundError):  # another watcher did it
            disk.rename(folder / name, goal / free)


def hush(atlas: Atlas, folder: Path) -> None:
    """Take away how far a start was that is over: nobody is to read "89 %, 8 s left" of a job that
    waits or has ended. A folder that a person made of that name goes to trash/."""
    for name in (tree.PROGRESS, tree.PROGRESS_LINE):
        try:
            atlas.disk.unlink(folder / name)
        except FileNotFoundError:
            pass
        except IsADirectoryError:
            discard(atlas, folder / name, name)


def keep_error(atlas: Atlas, folder: Path, n: int) -> None:
    """Copy an earlier run's error files to earlier/<n>/ before new ones replace them: moving them
    could take away another watcher's."""
    for name in (tree.ERROR, tree.ERROR_TEXT):
        with contextlib.suppress(FileNotFoundError):
            text = atlas.disk.read(folder / name)
            with contextlib.suppress(FileExistsError):
                atlas.disk.write_new(_earlier(atlas, folder, n) / name, text)


def keep_job(atlas: Atlas, folder: Path, n: int) -> None:
    """Copy a job.json that cannot be read to earlier/<n>/ before a new one replaces it: moved, it
    could be the whole one that another watcher has just written. A folder or link of its name is
    none of theirs, and cannot be replaced: it is moved."""
    disk = atlas.disk
    try:
        data = disk.read(folder / tree.JOB)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ELOOP):
            raise
        set_aside(atlas, folder, n, (tree.JOB,))
        return
    kept = _earlier(atlas, folder, n) / tree.JOB
    try:
        disk.write_new(kept, data)
    except FileExistsError:
        if disk.read(kept) != data:
            disk.write_new(kept.with_name(f"{tree.JOB}.{names.nonce()}"), data)


def _earlier(atlas: Atlas, folder: Path, n: int) -> Path:
    goal = folder / tree.EARLIER / str(n)
    for made in (goal.parent, goal):
        with contextlib.suppress(FileExistsError):
            atlas.disk.mkdir(made)
    return goal


def discard(atlas: Atlas, folder: Path, name: str) -> None:
    """Rename FOLDER, the pipeline's own, to trash/; a missing one is fine."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        atlas.disk.rename(folder, atlas.trash_name(name))


def discard_work(atlas: Atlas, folder: Path, id: str, n: int) -> None:
    """The artefacts of finished legs go to trash/; where that may not be written, which its reaper
    names, to earlier/<n>/: they hold up no result."""
    try:
        discard(atlas, folder / tree.WORK, f"{id}-work")
    except PermissionError:
        set_aside(atlas, folder, n, (tree.WORK,))


def discard_empty(atlas: Atlas, shell: Place) -> bool:
    """Remove a shell that holds nothing, with rmdir only: a shell that got its input meanwhile
    survives. A half-written job.json is nothing: who wrote it died, and the input is gone since.
    True when it is gone."""
    try:
        for entry in atlas.disk.scandir(shell.path):
            if entry.name.startswith(f".{tree.JOB}."):
                atlas.disk.unlink(shell.path / entry.name)
            elif entry.name != tree.INPUT:
                return False
        with contextlib.suppress(FileNotFoundError):
            atlas.disk.rmdir(shell.path / tree.INPUT)
        atlas.disk.rmdir(shell.path)
    except FileNotFoundError:
        return True
    except LineFault:
        raise
    except OSError:
        return False
    return True


# -- small parts -------------------------------------------------------------------------------
def readable_job(atlas: Atlas, folder: Path) -> JobFile | None:
    """job.json, or None where it is missing or is not one (a husk, a person's own file)."""
    try:
        return read_job(atlas.disk, folder)
    except Unreadable:
        return None


def has_input(atlas: Atlas, folder: Path) -> bool:
    """Does input/ hold anything of the person's? "No" needs two looks."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if any(
                not names.ignored(entry.name, entry.is_dir)
                for entry in atlas.disk.scandir(folder / tree.INPUT)
            ):
                return True
    return False


def job_is_gone(atlas: Atlas, folder: Path) -> bool:
    """Has a person taken job.json away? All looks of a moment may come from one stale cache, so it
    is tried: only the server can make a file of that name."""
    try:
        atlas.disk.write_new(folder / tree.JOB, b"")
    except FileExistsError:
        return False
    atlas.disk.unlink(folder / tree.JOB)
    return True


def input_is_gone(atlas: Atlas, folder: Path) -> bool:
    """Has a person taken away what was in input/, of which no look showed anything? Tried, as
    above: an empty input/ is taken away and made again."""
    inside = folder / tree.INPUT
    try:
        with contextlib.suppress(FileNotFoundError):
            atlas.disk.rmdir(inside)
        atlas.disk.mkdir(inside)
    except FileExistsError:
        return False
    except NotADirectoryError:
        return True
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        return bool(atlas.disk.scandir(inside))  # ignored names, which were seen
    return True


def write_error(atlas: Atlas, folder: Path, error: ErrorFile, job: JobFile | None) -> None:
    """error.json for machines, then error.txt: one page a person can read."""
    page = error_page(error, job, _holds_files(atlas, folder))
    atlas.disk.replace(folder / tree.ERROR, error.dump())
    atlas.disk.replace(folder / tree.ERROR_TEXT, page.encode())


def error_page(error: ErrorFile, job: JobFile | None, whole: bool = True) -> str:
    """error.txt. WHOLE: what was dropped is still in input/."""
    name = job.source.name if job else "this job"
    where = f"It stopped at stage {error.stage} (start {error.n}).\n" if error.stage else ""
    again = (
        "Move this whole folder back to inbox/. Your files are in input/, untouched."
        if whole
        else "Your files are no longer in input/: put them back there and move this whole folder to"
        " inbox/, or drop them anew."
    )
    log = f"\n  The log is {tree.LOG} in this folder." if error.who == "pipeline" else ""
    return (
        f"{name}: no result\n\nWhat happened\n  {error.message}\n{where}\nWhat to do, for"
        f" {ACTS[error.who]}\n  {error.remedy}{log}\n\nHow to try again\n  {again}\n"
    )


def _holds_files(atlas: Atlas, folder: Path) -> bool:
    """Does input/ hold a file? What may not be looked into is not said to be away."""
    try:
        return bool(dropped.look(atlas.disk, folder / tree.INPUT, whole=False).files)
    except LineFault:
        raise
    except OSError:
        return True
