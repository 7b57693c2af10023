"""Accepting: what happens to a claimed drop inside its hidden shell, in steps that any intake may
repeat or complete.

A job.json that came with the drop is a request, not a truth: kind and options are taken (and were
validated by the caller), everything else only where the folder's inode proves that this is the
job's own folder and not a copy.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

from layout import dropped, lifecycle, names, tree
from layout.manifest import Accepted, JobFile, Source, now, write_job
from layout.move import WrongState, gone, holding
from layout.tree import Atlas, Place


class AcceptedRequest(NamedTuple):
    """What the intake found out about a drop."""

    kind: str | None
    options: dict[str, object]
    used: frozenset[str]  # manifest paths that the job uses
    evidence: str
    notes: tuple[str, ...] = ()
    origin: str = "share"
    after: str | None = None
    asked: tuple[str, str] | None = None  # path and SHA-256 of the job.toml as it was read


def accept(atlas: Atlas, shell: Place, facts: AcceptedRequest, copy_of: str | None = None) -> Place:
    """Complete SHELL and drop its dot. Idempotent: a watcher that dies anywhere in here is finished
    by the next one.

    Gone when another watcher was faster: the job is accepted, and perhaps started, already.
    """
    if not shell.hidden or shell.queue == lifecycle.REFUSED:
        raise WrongState(f"{shell.path.name} is not a shell that is being accepted")
    with holding(atlas, shell):
        job = job_of(atlas, shell, facts, copy_of)
        n = job.accepted.n if job.accepted else shell.n
        lifecycle.set_aside(atlas, shell.path, n)
        lifecycle.discard_work(atlas, shell.path, shell.id, n)
        atlas.disk.sync_around(shell.path)  # from here on the line answers for what was dropped
        write_job(atlas.disk, shell.path, job)
    return lifecycle.reveal(atlas, shell, n)


def job_of(
    atlas: Atlas, shell: Place, facts: AcceptedRequest, copy_of: str | None = None
) -> JobFile:
    """The job.json of SHELL: id and n from its name, the rest from FACTS, its own history kept. Of
    a copy only the name counts. A start that came after the look by which it was claimed raises n.
    Gone where what FACTS were found in is not seen."""
    with holding(atlas, shell):
        return _job_of(atlas, shell, facts, copy_of)


def _job_of(atlas: Atlas, shell: Place, facts: AcceptedRequest, copy_of: str | None) -> JobFile:
    disk, old = atlas.disk, lifecycle.readable_job(atlas, shell.path)
    found = disk.lstat(shell.path)
    if found is None:
        raise gone(atlas, shell.path)
    drop = dropped.look(disk, shell.path / tree.INPUT, facts.kind is not None)
    if facts.kind is not None and shell.queue != lifecycle.REFUSED:
        _agree(drop, facts)
    own = old if old is not None and old.id == shell.id else None
    source = (
        own.source
        if own
        else Source(
            name=old.source.name[:255] if old else drop.name or _plain(shell),
            origin="share",
            at=now(),
        )
    )
    if facts.origin != "share":
        source = source.model_copy(update={"origin": facts.origin})
    copied = old.id if old and not own and names.is_id(old.id) else None
    starts = own.starts if own else []
    return JobFile(
        id=shell.id,
        kind=facts.kind,
        options=facts.options,
        source=source,
        evidence=facts.evidence,
        manifest=dropped.manifest(disk, drop, facts.used, own, facts.asked),
        inode=found.st_ino,
        accepted=Accepted(at=now(), n=max([shell.n, *(start.n for start in starts)])),
        starts=starts,
        notes=list(facts.notes),
        copy_of=copy_of or (own.copy_of if own else copied),
        retry_of=own.retry_of if own else None,
        after=facts.after,
    )


def _agree(drop: dropped.Drop, facts: AcceptedRequest) -> None:
    """Two looks may differ: one may lack what stands there, or a person took it away in between,
    or put another drop of that name in its place. Then it is judged anew, later."""
    there = {dropped.printable(path) for path, _ in drop.files}
    read = {facts.asked[0]} - {""} if facts.asked else set()
    if not there or not there.issuperset(map(dropped.printable, facts.used | read)):
        raise FileNotFoundError(errno.ENOENT, "not to be seen at present", str(drop.root))


def _plain(shell: Place) -> str:
    return shell.path.name.lstrip(".").partition("@")[0]
