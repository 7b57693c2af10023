"""Under which id and n a job folder from inbox/ is claimed: the job's own, or a copy of it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from layout import dropped, names, tree
from layout.copies import bearers
from layout.disk import Disk
from layout.manifest import REQUEST_LIMIT, ErrorFile, JobFile, Unreadable, read_job
from layout.move import gone
from layout.promote import started_by
from layout.tree import Atlas

MAX_STARTS = 10**8  # a folder's name holds no more; nobody starts a job that often


class Claim(NamedTuple):
    """Under which id and n a job folder from inbox/ is claimed."""

    id: str
    n: int
    copy_of: str | None


def request(atlas: Atlas, name: str) -> JobFile | None:
    """The job.json of inbox/NAME, at most 256 KiB of it; None where there is none or it is no
    job's.

    A LineFault is passed on: a job whose job.json cannot be read at present must not be taken for a
    raw drop. So are PermissionError (it waits, with the reason) and NewerFormat (it is left alone).
    """
    try:
        return read_job(atlas.disk, atlas.inbox / name, REQUEST_LIMIT)
    except Unreadable:
        return None


def identify_folder(atlas: Atlas, name: str, job: JobFile, changing: bool) -> Claim:
    """Move or copy? A rename keeps the folder's inode, a copy cannot: a copy gets a new id.

    CHANGING: this tree's file system gives renamed folders new inodes; then only a sealed job that
    was never accepted keeps its id. Gone where the folder is not seen: without its inode nothing
    can be told, and the next look decides.
    """
    parsed = names.parse_claimed(name)
    bears = name == job.id or (parsed is not None and parsed.id == job.id)
    found = atlas.disk.lstat(atlas.inbox / name)
    if found is None:
        raise gone(atlas, atlas.inbox / name)
    n = max(
        [
            job.accepted.n if job.accepted else 0,
            parsed.n if parsed else 0,
            *(start.n for start in job.starts),
        ]
    )
    own = (
        bears
        and names.is_id(job.id)
        and n <= MAX_STARTS
        and (job.accepted is None if changing else found.st_ino == job.inode)
    )
    if not own:
        return Claim(names.new_id(job.source.name), 0, job.id if names.is_id(job.id) else None)
    return Claim(job.id, n, None)


def identify_bare(atlas: Atlas, name: str) -> Claim:
    """The claim of a job's folder whose job.json tells nothing: id and n by its name, its result,
    its error and its earlier runs.

    A new id where none is told, or where the told one stands elsewhere: without job.json a copy
    cannot be told from a move.
    """
    folder, told = atlas.inbox / name, names.named(name)
    made = names.parse_processing(started_by(atlas.disk, folder / tree.OUTPUT) or "")
    id = told[0] if told else made.id if made else None
    n = max(
        [
            told[1] if told else 0,
            made.n if made and made.id == id else 0,
            *_runs(atlas.disk, folder),
        ]
    )
    # in inbox/ too: the job itself may have been sent back meanwhile
    taken = id is not None and any(other.path != folder for other in bearers(atlas, id))
    if id is None or taken or n > MAX_STARTS:
        return Claim(
            names.new_id(
                Path(
                    dropped.look(atlas.disk, folder / tree.INPUT, whole=False).name or folder.name
                ).stem
            ),
            0,
            id,
        )
    return Claim(id, n, None)


def _runs(disk: Disk, folder: Path) -> list[int]:
    """Numbers of starts that earlier/ and error.json of a job's FOLDER tell of."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found += [
            int(name)
            for name in disk.names(folder / tree.EARLIER)
            if name.isascii() and name.isdigit() and len(name) <= 9
        ]
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError, Unreadable):
        found.append(ErrorFile.load(disk.read(folder / tree.ERROR)).n)
    return found
