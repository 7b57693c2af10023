"""Accepting: what happens to a claimed drop inside its hidden shell, in steps that any intake may
repeat or complete.

A job.json that came with the drop is a request, not a truth: kind and options are taken (and were
validated by the caller), everything else only where the folder's inode proves that this is the
job's own folder and not a copy.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from layout import lifecycle, names, tree
from layout.disk import Disk, Entry
from layout.manifest import (
    REQUEST_LIMIT,
    Accepted,
    ErrorFile,
    JobFile,
    Listed,
    Source,
    Unreadable,
    now,
    read_job,
    write_job,
)
from layout.move import WrongState, gone, holding
from layout.promote import started_by
from layout.tree import Atlas, Place
from layout.walk import BeyondLimits, files_below

__all__ = [
    "MAX_STARTS",
    "BeyondLimits",
    "Claim",
    "Facts",
    "accept",
    "drop_root",
    "dropped_name",
    "files_below",
    "identify_bare",
    "identify_folder",
    "job_of",
    "manifest",
    "printable",
    "request",
    "sealed",
]

MAX_STARTS = 10**8  # a folder's name holds no more; nobody starts a job that often


class Claim(NamedTuple):
    """Under which id and n a job folder from inbox/ is claimed."""

    id: str
    n: int
    copy_of: str | None


class Facts(NamedTuple):
    """What the intake found out about a drop."""

    kind: str | None
    options: dict[str, object]
    used: frozenset[str]  # manifest paths that the job uses
    evidence: str
    notes: tuple[str, ...] = ()
    origin: str = "share"
    after: str | None = None


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
    taken = id is not None and any(
        place.id == id
        for state in tree.State
        if state is not tree.State.INBOX
        for place in atlas.places(state)
    )
    if id is None or taken or n > MAX_STARTS:
        return Claim(names.new_id(Path(dropped_name(atlas.disk, folder)).stem), 0, id)
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


def accept(atlas: Atlas, shell: Place, facts: Facts, copy_of: str | None = None) -> Place:
    """Complete SHELL and drop its dot. Idempotent: a watcher that dies anywhere in here is finished
    by the next one.

    Gone when another watcher was faster: the job is accepted, and perhaps started, already.
    """
    if not shell.hidden or shell.queue == lifecycle.REFUSED:
        raise WrongState(f"{shell.path.name} is not a shell that is being accepted")
    with holding(atlas, shell):
        job = job_of(atlas, shell, facts, copy_of)
        lifecycle.set_aside(atlas, shell.path, shell.n)
        lifecycle.discard(atlas, shell.path / tree.WORK, f"{shell.id}-work")
        write_job(atlas.disk, shell.path, job)
    return lifecycle.reveal(atlas, shell)


def job_of(atlas: Atlas, shell: Place, facts: Facts, copy_of: str | None = None) -> JobFile:
    """The job.json of SHELL: id and n from its name, the rest from FACTS, its own history kept. Of
    a copy only the name counts."""
    with holding(atlas, shell):
        return _job_of(atlas, shell, facts, copy_of)


def _job_of(atlas: Atlas, shell: Place, facts: Facts, copy_of: str | None) -> JobFile:
    disk, old = atlas.disk, lifecycle.readable_job(atlas, shell.path)
    found = disk.lstat(shell.path)
    if found is None:
        raise gone(atlas, shell.path)
    own = old if old is not None and old.id == shell.id else None
    source = (
        own.source
        if own
        else Source(
            name=old.source.name[:255] if old else dropped_name(disk, shell.path),
            origin="share",
            at=now(),
        )
    )
    if facts.origin != "share":
        source = source.model_copy(update={"origin": facts.origin})
    copied = old.id if old and not own and names.is_id(old.id) else None
    return JobFile(
        id=shell.id,
        kind=facts.kind,
        options=facts.options,
        source=source,
        evidence=facts.evidence,
        manifest=manifest(
            disk, shell.path / tree.INPUT, facts.used, own, whole=facts.kind is not None
        ),
        inode=found.st_ino,
        accepted=Accepted(at=now(), n=shell.n),
        starts=own.starts if own else [],
        notes=list(facts.notes),
        copy_of=copy_of or (own.copy_of if own else copied),
        retry_of=own.retry_of if own else None,
        after=facts.after,
    )


def dropped_name(disk: Disk, folder: Path) -> str:
    """What the person called the drop: the name of what stands in input/."""
    entries = [entry.name for entry in _input(disk, folder / tree.INPUT)]
    return printable(entries[0]) if len(entries) == 1 else folder.name.lstrip(".").partition("@")[0]


def drop_root(disk: Disk, inside: Path) -> Path:
    """The folder that manifest paths are relative to: input/<x> where the drop was one folder, else
    input/ itself."""
    entries = _input(disk, inside)
    return inside / entries[0].name if len(entries) == 1 and entries[0].is_dir else inside


def _input(disk: Disk, inside: Path) -> list[Entry]:
    """What stands in input/, ignored names aside; nothing where a person took input/ itself away.
    "Nothing" needs two looks."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if found := [
                entry
                for entry in disk.scandir(inside)
                if not names.ignored(entry.name, entry.is_dir)
            ]:
                return found
    return []


def printable(name: str) -> str:
    """NAME as JSON can hold it: bytes that are no UTF-8 (a file server may pass any) are shown as
    \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def manifest(
    disk: Disk, inside: Path, used: frozenset[str], old: JobFile | None = None, whole: bool = True
) -> list[Listed]:
    """Every file below input/ but the ignored ones; checksums are kept where size and path are
    unchanged. A job.toml always gets its own: a later change of it asks for other options. WHOLE:
    as files_below.
    """
    known = {(row.path, row.size): row.sha256 for row in old.manifest} if old else {}
    root = drop_root(disk, inside)
    rows = (
        [(printable(path), size) for path, size in files_below(disk, root, whole)]
        if _input(disk, inside)
        else []
    )
    known |= {
        (path, size): disk.sha256(root / path)
        for path, size in rows
        if tree.is_job_toml(path) and size <= REQUEST_LIMIT
    }
    return [
        Listed(path=path, size=size, sha256=known.get((path, size)), used=not used or path in used)
        for path, size in rows
    ]


def sealed(disk: Disk, folder: Path, job: JobFile) -> bool:
    """Does input/ equal the manifest (names and sizes)? A copied job folder shows its job.json long
    before its scans."""
    try:
        rows = [
            (printable(path), size)
            for path, size in files_below(disk, drop_root(disk, folder / tree.INPUT))
        ]
    except (FileNotFoundError, NotADirectoryError, BeyondLimits):
        return False
    return bool(rows) and sorted((row.path, row.size) for row in job.manifest) == sorted(rows)
