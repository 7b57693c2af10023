"""What doctor looks at in the tree: its mount, its rights, strangers, who works on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from layout import init, locks, ownership, rights, strangers
from layout.disk import LineFault
from layout.liveness import Life, Observer
from layout.manifest import AtlasFile
from layout.signs import Heartbeat
from layout.tree import Atlas, State
from pipeline import blame, config, machine
from pipeline.cli._account import account_findings
from pipeline.cli._finding import Finding
from pipeline.cli._this_mount import mount_findings
from pipeline.cli._tree_rights import rights_findings
from pipeline.submission.capacity import gib

AS_OWNER = "run doctor as the owner of the tree, or as root"
DENIED = tuple(os.strerror(number) for number in blame.DENIED)


def tree_findings(root: Path, user: str | None = None) -> list[Finding]:
    """What is found of the tree at ROOT; with USER also what that account may do in it."""
    try:
        there = init.exists(root)
    except PermissionError:
        return [Finding("wrong", "Atlas", f"{root} may not be read by this user", AS_OWNER)]
    if not there:
        return [
            Finding(
                "wrong",
                "Atlas",
                f"no tree at {root}",
                f"mount the share, or run: inbox3d init {root}",
            )
        ]
    atlas = Atlas(root)
    try:
        if refused := _of_others(atlas):
            return [refused]
        identity = atlas.identity()
        if unready := _unready(atlas):
            return unready
        proofs = init.prove(atlas)
    except (LineFault, OSError) as fault:
        remedy = AS_OWNER if fault.errno in blame.DENIED else "bring the share back"
        return [Finding("wrong", "Atlas", str(fault), remedy)]
    findings = _proven(atlas, identity, proofs)
    if halt := atlas.halted():
        findings.append(
            Finding("missing", "HALT", f"{halt} stops claiming and starting", "inbox3d resume")
        )
    return [
        *findings,
        *_login(atlas),
        *mount_findings(atlas, config.load(atlas.config_file)),
        *rights_findings(atlas),
        *(account_findings(atlas, user) if user else ()),
        *_strangers(atlas),
        *_workers(atlas),
    ]


def _of_others(atlas: Atlas) -> Finding | None:
    """What is said to one of the people: what is refused to them is no fault of the mount."""
    owner = atlas.pipeline.lstat()
    if os.geteuid() in (0, owner.st_uid) or os.access(atlas.drafts, os.W_OK):
        return None
    whose = ownership.called(owner).partition(":")[0]
    told = f"{atlas.root} belongs to {whose}, and only {whose} or root can try its mount"
    return Finding(
        "wrong", "Atlas", told, f"{AS_OWNER}; --as NAME tells what one of the people may"
    )


def _unready(atlas: Atlas) -> list[Finding]:
    """A tree of which nothing more can be said before `inbox3d init`: it came back from a backup,
    or lacks folders."""
    if init.came_back(atlas):
        remedy = f"stop every up, then: inbox3d init {atlas.root} --restored"
        what = "was restored, copied or moved to another disk"
        return [Finding("wrong", "Atlas", what, remedy)]
    if lost := [folder for folder in atlas.folders() if atlas.disk.lstat(folder) is None]:
        what = f"lacks {', '.join(str(folder.relative_to(atlas.root)) for folder in lost)}"
        return [Finding("wrong", "Atlas", what, f"inbox3d init {atlas.root}")]
    return []


def _proven(atlas: Atlas, identity: AtlasFile, proofs: Sequence[init.Finding]) -> list[Finding]:
    """What the test renames of the tree's edges showed."""
    one_mount = "put all state folders on one file system and one mount"
    again = f"run as root: inbox3d init {atlas.root}"
    findings = [
        Finding(
            "wrong",
            f"Atlas, {proof.what}",
            proof.detail,
            again if proof.detail.startswith(DENIED) else one_mount,
        )
        for proof in proofs
        if not proof.ok
    ]
    changing = any(proof.detail == "changing" for proof in proofs)
    how = f"inodes {'change' if changing else 'stay'} with a rename"
    passed = f"{atlas.root}, {len(proofs)} test renames, {how}"
    findings += [] if findings else [Finding("fine", "Atlas", passed)]
    if changing and identity.inodes == "stable":
        findings.append(
            Finding(
                "wrong",
                "inodes",
                "change with a rename, atlas.json says stable",
                'set "inodes": "changing" in .pipeline/atlas.json',
            )
        )
    return findings


WIDE = 256  # addresses: a proxy is one host, not a network


def _login(atlas: Atlas) -> list[Finding]:
    """Whose word is believed about who signed in."""
    from webapi.access.login import networks

    web = config.load(atlas.config_file).web
    if not web.login_header:
        return []
    what, header = "sign-in by a proxy", web.login_header
    try:
        believed = networks(web)
    except config.SettingsRefused as refused:
        return [Finding("wrong", what, refused.message, refused.remedy)]
    if wide := [str(one) for one in believed if one.num_addresses > WIDE or one.is_global]:
        return [
            Finding(
                "wrong",
                what,
                f"everybody in {', '.join(wide)} may call himself anybody by {header}",
                "name the proxy's own address in [web] login_from",
            )
        ]
    told = f"{header} is believed from {', '.join(map(str, believed))}: whoever can send from there"
    return [
        Finding(
            "fine",
            what,
            f"{told} may call himself anybody, unless the proxy takes the"
            " header out of what it is sent",
        )
    ]


def _strangers(atlas: Atlas) -> list[Finding]:
    return [
        Finding(
            "missing",
            f"{state.value}/",
            f"{name} {said}",
            "move it elsewhere; the pipeline leaves it alone" if said == strangers.NO_JOB else "",
        )
        for state in State
        for name in atlas.strangers(state)
        for said in [strangers.words(atlas, state, name)]
    ]


def _workers(atlas: Atlas) -> list[Finding]:
    observer = Observer(atlas, 0, 2, lambda: 0)
    observer.look()
    known = [beat for beat in observer.last.values() if observer.life(beat.worker) is not Life.DEAD]
    if not known:
        return [
            Finding("missing", "workers", "none", f"start some: inbox3d up --atlas {atlas.root}")
        ]
    return [
        *(
            Finding("fine", f"worker {b.worker}", b.message or b.role)
            for b in known
            if not observer.standing(b.worker)
        ),
        *(
            Finding("wrong", "needs attention", line, "do what the line says")
            for line in sorted({*observer.needs(), *(x for b in known for x in b.attention)})
        ),
        *crowded(known),
        *(
            Finding("wrong", f"heartbeat {path.name}", rights.words(error, path))
            for path, error in observer.closed.items()
        ),
    ]


def crowded(known: Sequence[Heartbeat]) -> list[Finding]:
    """That the engines of this machine, of every `up` and container on it, may together take more
    memory than it has: each knows of its own alone."""
    here = [beat for beat in known if beat.memory and beat.boot == locks.boot_id()]
    may, has = sum(beat.memory or 0 for beat in here), machine.memory()
    if may <= has:
        return []
    told = f"{len(here)} workers of this machine may use {gib(may)}, it has"
    return [
        Finding(
            "wrong",
            "memory",
            f"{told} {gib(has)}",
            "one `up` for all of them, or memory_gb for each in [[host.workers]]; for containers"
            " mem_limit",
        )
    ]
