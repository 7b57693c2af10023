"""Making a tree, and proving that the mount under it can carry the lifecycle."""

from __future__ import annotations

import contextlib
import errno
import uuid
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

from layout import names, ownership
from layout.disk import Disk
from layout.lifecycle import EDGES
from layout.manifest import (
    REQUEST_LIMIT,
    AtlasFile,
    NewerFormat,
    Unreadable,
    now,
    read_job,
    write_job,
)
from layout.tree import Atlas, State


class Unfit(Exception):
    """This place cannot carry the lifecycle. Operator: see the message; it got folders, but no
    atlas.json, so nothing will work in it."""


class Finding(NamedTuple):
    """One thing that was tried on the real mount."""

    what: str
    ok: bool
    detail: str


def init(
    root: Path, disk: Disk | None = None, restored: bool = False
) -> tuple[Atlas, list[Finding]]:
    """Create what is missing of the tree at ROOT and prove it. Idempotent; an existing atlas.json
    is kept, but for ``inodes``.

    RESTORED: the tree came back from a backup or snapshot: job folders that can come to inbox/
    again get their new inodes into job.json, then a new epoch makes every process restart under a
    new name.
    """
    atlas = Atlas(root, disk)
    atlas.root.mkdir(parents=True, exist_ok=True)
    for folder in atlas.folders():
        with contextlib.suppress(FileExistsError):
            atlas.disk.mkdir(folder)
    ownership.set_modes(atlas)
    findings = prove(atlas)
    if any(not finding.ok for finding in findings):
        raise Unfit(
            "; ".join(f"{finding.what}: {finding.detail}" for finding in findings if not finding.ok)
        )
    changing: Literal["stable", "changing"] = (
        "changing" if any(f.detail == "changing" for f in findings) else "stable"
    )
    fresh = AtlasFile(uuid=str(uuid.uuid4()), inodes=changing, created=now(), inode=_inode(atlas))
    _identify(atlas, fresh)
    ownership.let_read(atlas.identity_file)
    if restored:
        _restore(atlas)
    return atlas, findings


def _identify(atlas: Atlas, fresh: AtlasFile) -> None:
    """Write atlas.json where there is none, or one that was torn while it was first written. Once
    changing, inodes stay so."""
    try:
        atlas.disk.write_new(atlas.identity_file, fresh.dump())
        return
    except FileExistsError:
        pass
    try:
        known = AtlasFile.load(atlas.disk.read(atlas.identity_file))
    except Unreadable:
        atlas.disk.replace(atlas.identity_file, fresh.dump())
        return
    changes: dict[str, object] = {}
    if fresh.inodes == "changing" != known.inodes:
        changes["inodes"] = "changing"
    if known.inode is None:  # made before inodes were noted
        changes["inode"] = fresh.inode
    if changes:
        atlas.disk.replace(atlas.identity_file, known.model_copy(update=changes).dump())


def _inode(atlas: Atlas) -> int | None:
    found = atlas.disk.lstat(atlas.pipeline)
    return found.st_ino if found else None


def came_back(atlas: Atlas) -> bool:
    """Was this tree restored, copied or moved to another disk since ``init`` was last told so? Its
    waiting jobs would be taken for a person's copies."""
    known = atlas.identity()
    return known.inodes == "stable" and known.inode not in (None, _inode(atlas))


def _restore(atlas: Atlas) -> None:
    """New inodes into every job.json but the finished ones'. A folder whose id stands elsewhere too
    is a person's copy and stays one."""
    places = [place for state in State for place in atlas.places(state) if place.id]
    often = Counter(place.id for place in places)
    for place in places:
        if place.state is State.DONE or often[place.id] > 1:
            continue
        with contextlib.suppress(Unreadable, NewerFormat):
            job, found = (
                read_job(atlas.disk, place.path, REQUEST_LIMIT),
                atlas.disk.lstat(place.path),
            )
            if (
                job is not None
                and found is not None
                and job.id == place.id
                and job.inode != found.st_ino
            ):
                write_job(atlas.disk, place.path, job.model_copy(update={"inode": found.st_ino}))
    identity = atlas.identity()
    atlas.disk.replace(
        atlas.identity_file,
        identity.model_copy(update={"epoch": identity.epoch + 1, "inode": _inode(atlas)}).dump(),
    )


def prove(atlas: Atlas) -> list[Finding]:
    """Rename a probe folder along every edge on the real mount, and see whether the rename keeps
    its inode."""
    findings = []
    for edge, source, target in _routes(atlas):
        findings.append(_try(atlas, edge, source, target))
    return findings


def _routes(atlas: Atlas) -> list[tuple[str, Path, Path]]:
    """Every edge, from each state that it leaves; the edges from or to .pipeline/ by its folder
    there."""
    routes = []
    for edge in EDGES:
        sources = [atlas.root / state for state in State if state in edge.leaves]
        goals = [atlas.root / state for state in State if state in edge.enters] or [atlas.trash]
        own = atlas.trash if edge.letter == "k" else atlas.drafts
        routes += [
            (f"edge {edge.letter} ({edge.verb})", source, goal)
            for source in sources or [own]
            for goal in goals
        ]
    return [*routes, ("promotion", atlas.staging, atlas.processing)]


def _try(atlas: Atlas, what: str, source: Path, target: Path) -> Finding:
    disk, name = atlas.disk, f".probe-{names.nonce(8)}"
    try:
        disk.mkdir(source / name)
        before = disk.lstat(source / name)
        disk.rename(source / name, target / f"{name}-moved")
        after = disk.lstat(target / f"{name}-moved")
        disk.rmdir(target / f"{name}-moved")
    except OSError as error:
        for left in (source / name, target / f"{name}-moved"):
            with contextlib.suppress(OSError):
                disk.rmdir(left)
        hint = (
            ": these folders lie on different file systems or mounts"
            if error.errno == errno.EXDEV
            else ""
        )
        return Finding(
            what, False, f"{error.strerror or error}{hint} ({source.name} → {target.name})"
        )
    stable = before is not None and after is not None and before.st_ino == after.st_ino
    return Finding(what, True, "stable" if stable else "changing")


def exists(root: Path) -> bool:
    return Atlas(root).identity_file.is_file()
