"""Accepting: what happens to a claimed drop inside its hidden shell, in steps that any intake may repeat or complete.

A job.json that came with the drop is a request, not a truth: kind and options are taken (and were validated by the caller),
everything else only where the folder's inode proves that this is the job's own folder and not a copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from layout import lifecycle, names, tree
from layout.disk import Disk
from layout.manifest import REQUEST_LIMIT, Accepted, JobFile, Listed, Source, Unreadable, now, read_job, write_job
from layout.tree import Atlas, Place


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
    """The job.json of inbox/NAME, at most 256 KiB of it; None where there is none or it is no job's."""
    try:
        return read_job(atlas.disk, atlas.inbox / name, REQUEST_LIMIT)
    except (Unreadable, IsADirectoryError, OSError):
        return None


def identify_folder(atlas: Atlas, name: str, job: JobFile, changing: bool) -> Claim:
    """Move or copy? A rename keeps the folder's inode, a copy cannot: a copy gets a new id.

    CHANGING: this tree's file system gives renamed folders new inodes; then only a sealed job that was never accepted keeps its id.
    """
    parsed = names.parse_claimed(name)
    bears = name == job.id or (parsed is not None and parsed.id == job.id)
    found = atlas.disk.lstat(atlas.inbox / name)
    same = found is not None and found.st_ino == job.inode
    own = bears and names.is_id(job.id) and (job.accepted is None if changing else same)
    if not own:
        return Claim(names.new_id(job.source.name), 0, job.id)
    recorded = max([job.accepted.n if job.accepted else 0, *(start.n for start in job.starts)])
    return Claim(job.id, max(recorded, parsed.n if parsed else 0), None)


def accept(atlas: Atlas, shell: Place, facts: Facts, copy_of: str | None = None) -> Place:
    """Complete SHELL and drop its dot. Idempotent: a watcher that dies anywhere in here is finished by the next one."""
    disk = atlas.disk
    lifecycle.set_aside(atlas, shell.path, shell.n)
    lifecycle.discard(atlas, shell.path / tree.WORK, f"{shell.id}-work")
    write_job(disk, shell.path, job_of(atlas, shell, facts, copy_of))
    return lifecycle.reveal(atlas, shell)


def job_of(atlas: Atlas, shell: Place, facts: Facts, copy_of: str | None = None) -> JobFile:
    """The job.json of SHELL: id and n from its name, the rest from FACTS, its own history kept."""
    disk, old = atlas.disk, lifecycle.readable_job(atlas, shell.path)
    found = disk.lstat(shell.path)
    own = old is not None and old.id == shell.id
    source = old.source if old else Source(name=dropped_name(disk, shell.path), origin="share", at=now())
    if facts.origin != "share":
        source = source.model_copy(update={"origin": facts.origin})
    return JobFile(
        id=shell.id,
        kind=facts.kind,
        options=facts.options,
        source=source,
        evidence=facts.evidence,
        manifest=manifest(disk, shell.path / tree.INPUT, facts.used, old),
        inode=found.st_ino if found else None,
        accepted=Accepted(at=now(), n=shell.n),
        starts=old.starts if old and own else [],
        notes=list(facts.notes),
        copy_of=copy_of or (old.copy_of if old and own else old.id if old else None),
        retry_of=old.retry_of if old else None,
        after=facts.after,
    )


def dropped_name(disk: Disk, folder: Path) -> str:
    """What the person called the drop: the name of what stands in input/."""
    entries = sorted(entry.name for entry in disk.scandir(folder / tree.INPUT) if not names.ignored(entry.name))
    return entries[0] if len(entries) == 1 else folder.name.lstrip(".").partition("@")[0]


def drop_root(disk: Disk, inside: Path) -> Path:
    """The folder that manifest paths are relative to: input/<x> where the drop was one folder, else input/ itself."""
    entries = [entry for entry in disk.scandir(inside) if not names.ignored(entry.name)]
    return inside / entries[0].name if len(entries) == 1 and entries[0].is_dir else inside


def manifest(disk: Disk, inside: Path, used: frozenset[str], old: JobFile | None = None) -> list[Listed]:
    """Every file below input/ but the ignored ones; checksums are kept where size and path are unchanged."""
    known = {(row.path, row.size): row.sha256 for row in old.manifest} if old else {}
    root = drop_root(disk, inside)
    rows = [(path, size) for path, size in files_below(disk, root)]
    return [Listed(path=path, size=size, sha256=known.get((path, size)), used=not used or path in used) for path, size in rows]


def files_below(disk: Disk, root: Path, below: str = "") -> list[tuple[str, int]]:
    """(path relative to ROOT, size) of every regular file that is not ignored, sorted by path."""
    found: list[tuple[str, int]] = []
    for entry in sorted(disk.scandir(root / below)):
        path = f"{below}/{entry.name}" if below else entry.name
        if names.ignored(entry.name):
            continue
        if entry.is_dir:
            found += files_below(disk, root, path)
        elif (attributes := disk.lstat(root / path)) is not None:
            found.append((path, attributes.st_size))
    return found


def sealed(disk: Disk, folder: Path, job: JobFile) -> bool:
    """Does input/ equal the manifest (names and sizes)? A copied job folder shows its job.json long before its scans."""
    try:
        rows = files_below(disk, drop_root(disk, folder / tree.INPUT))
    except (FileNotFoundError, NotADirectoryError):
        return False
    return bool(rows) and sorted((row.path, row.size) for row in job.manifest) == rows
