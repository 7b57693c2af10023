"""What one account may do in the tree, tried as that account: which folders it reads, where it puts
and takes away, and which jobs it can drag."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from layout import names, ownership
from layout.tree import Atlas, State
from pipeline.cli._finding import Finding

# what people do with the mouse, by folder and goal
DRAGS = (
    (State.CLAIMED, State.FAILED),
    (State.PROCESSING, State.FAILED),
    (State.FAILED, State.INBOX),
    (State.INBOX, State.FAILED),
)
AGAIN = "run as root: inbox3d init {root}"


def account_findings(atlas: Atlas, user: str) -> list[Finding]:
    """One line for what USER may do as it should, one for each thing that USER may not, or may too
    much."""
    what = f"account {user}"
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return [Finding("wrong", what, "is not known on this host", f"useradd {user}")]
    if os.geteuid() not in (0, account.pw_uid):
        remedy = f"sudo inbox3d doctor --as {user} --atlas {atlas.root}"
        return [Finding("wrong", what, "only root can try what another account may", remedy)]
    owner = atlas.pipeline.lstat()
    with _probes(atlas, owner) as probes:
        said = _as(account, lambda: _tried(atlas, probes))
    if account.pw_uid == owner.st_uid:
        return _of_owner(what, atlas, said)
    return _of_person(what, atlas, user, owner, said)


def _of_owner(what: str, atlas: Atlas, said: dict[str, Any]) -> list[Finding]:
    shut = [name for name, (reads, makes) in said["folders"].items() if not (reads and makes)]
    if not shut:
        return [Finding("fine", what, "owns the tree: reads and writes all of it")]
    again = AGAIN.format(root=atlas.root)
    return [Finding("wrong", what, f"owns the tree, and may not use {', '.join(shut)}", again)]


def _of_person(
    what: str, atlas: Atlas, user: str, owner: os.stat_result, said: dict[str, Any]
) -> list[Finding]:
    group = ownership.called(owner).partition(":")[2]
    outside = bool(ownership.shut_out(user, owner))
    wide = {
        str(path.relative_to(atlas.root)): mode for path, mode in ownership.modes(atlas).items()
    }
    may = {name for name, (_, makes) in said["folders"].items() if makes}
    should = {name for name, mode in wide.items() if mode == ownership.OPEN}
    reads = {name for name, (reads, _) in said["folders"].items() if reads}
    if outside and not (may or reads):
        told = f"is not in the group {group}: it sees nothing of the tree"
        remedy = f"usermod -aG {group} {user}, if it is one of the people; then sign in anew"
        return [Finding("missing", what, told, remedy)]
    again, found = AGAIN.format(root=atlas.root), []
    if more := sorted(may - should if not outside else may | reads):
        found.append(Finding("wrong", what, f"may change {', '.join(more)}, and must not", again))
    if less := sorted((should - may) | ({str(State.DONE)} - reads)):
        found.append(Finding("wrong", what, f"may not use {', '.join(less)}", again))
    for source, goal in DRAGS:
        if (why := said["drags"][f"{source} {goal}"]) is not None and not less:
            found.append(Finding("wrong", what, f"cannot drag {source}/ → {goal}/: {why}", again))
    told = (
        "puts into inbox/, cancels and retries by dragging, reads done/ and changes nothing there"
    )
    return found or [Finding("fine", what, told)]


@contextlib.contextmanager
def _probes(atlas: Atlas, owner: os.stat_result) -> Any:
    """A folder as jobs are, in each state that one is dragged from."""
    made = {}
    try:
        for source, goal in DRAGS:
            path = atlas.root / source / f".probe-{names.nonce(8)}"
            path.mkdir()
            if os.geteuid() == 0:
                os.chown(path, owner.st_uid, owner.st_gid)
            path.chmod(ownership.OPEN)
            made[f"{source} {goal}"] = path
        yield made
    finally:
        for key, path in made.items():
            for left in (path, atlas.root / key.split()[1] / path.name):
                with contextlib.suppress(OSError):
                    shutil.rmtree(left)


def _tried(atlas: Atlas, probes: dict[str, Path]) -> dict[str, Any]:
    folders = {str(path.relative_to(atlas.root)): _uses(path) for path in ownership.modes(atlas)}
    drags = {}
    for key, path in probes.items():
        goal = atlas.root / key.split()[1] / path.name
        drags[key] = _why(functools.partial(path.rename, goal))
    return {"folders": folders, "drags": drags}


def _uses(folder: Path) -> tuple[bool, bool]:
    """Whether FOLDER can be listed; whether something can be put in and taken away."""
    probe = folder / f".probe-{names.nonce(8)}"
    reads = _why(lambda: list(folder.iterdir())) is None
    makes = _why(lambda: probe.mkdir()) is None
    return reads, makes and _why(lambda: probe.rmdir()) is None


def _why(call: Callable[[], object]) -> str | None:
    """What kept CALL from being done, None where it was."""
    try:
        call()
    except OSError as error:
        return error.strerror or str(error)
    return None


def _as(account: pwd.struct_passwd, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What CALL says in a process of ACCOUNT's, with all its groups."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if os.geteuid() == 0:
                os.initgroups(account.pw_name, account.pw_gid)
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            os.write(writer, json.dumps(call()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        text = file.read()
    os.waitpid(pid, 0)
    said: dict[str, Any] = json.loads(text)
    return said
