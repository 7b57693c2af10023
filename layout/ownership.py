"""Whose the tree is, and who may do what in it.

The tree has one owner, whom every process of the pipeline runs as, and one group: the people. They
may drag in the folders below OPEN and only read the rest; a folder's own mode says so, as a name
can be taken away by whoever may write to the folder that holds it. What a process makes gets its
mode from its umask, so that comes from the tree as well (``follow``), not from who started it.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import shutil
import stat
from pathlib import Path

from layout import names
from layout.tree import Atlas

OPEN, CLOSED = 0o2770, 0o2750  # the group may drag here · the group may only read


class NotOwner(Exception):
    """This user may not write to the tree, or what it wrote would not be the tree's."""

    who = "operator"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message, self.remedy = message, remedy


def modes(atlas: Atlas) -> dict[Path, int]:
    """The mode of every folder of the tree."""
    drag = {atlas.inbox, atlas.claimed, atlas.processing, atlas.failed, atlas.inputs}
    return {folder: OPEN if folder in drag else CLOSED for folder in atlas.folders()}


def set_modes(atlas: Atlas) -> None:
    """Give every folder its mode. The group must get through the root, and must not write there:
    it could rename done/."""
    for folder, mode in modes(atlas).items():
        if stat.S_IMODE(os.lstat(folder).st_mode) != mode:
            folder.chmod(mode)
    root = stat.S_IMODE(os.lstat(atlas.root).st_mode)
    right = root & ~0o022 if root & 0o022 and not root & stat.S_ISVTX else root
    if right | 0o050 != root:
        with contextlib.suppress(PermissionError):  # a mount point may be another's: doctor says it
            atlas.root.chmod(right | 0o050)


def let_read(file: Path) -> None:
    """Let the group read FILE, whatever umask it was made with."""
    mode = stat.S_IMODE(os.lstat(file).st_mode)
    if not mode & 0o040:
        with contextlib.suppress(PermissionError):
            file.chmod(mode | 0o040)


def misfits(atlas: Atlas) -> list[tuple[str, str]]:
    """(what is wrong, remedy) for every folder of the tree that lets people do more, or less, than
    docs/layout.md says, or that is another's."""
    owner, found = os.lstat(atlas.pipeline), []
    again = f"run as root: inbox3d init {atlas.root}"
    for folder, mode in modes(atlas).items():
        there, shown = os.lstat(folder), folder.relative_to(atlas.root)
        group = mode & 0o070
        if (there.st_uid, there.st_gid) != (owner.st_uid, owner.st_gid):
            found.append(
                (
                    f"{shown} belongs to {called(there)}, the tree to {called(owner)}",
                    f"chown {called(owner)} {folder}",
                )
            )
        if there.st_mode & 0o020 and not group & 0o020:
            found.append((f"people may delete and rename in {shown}", again))
        elif there.st_mode & 0o070 & group != group:
            found.append((f"people may not {_lack(there.st_mode, group)} {shown}", again))
        elif there.st_mode & 0o007:
            found.append(
                (f"every account of the host, of the group or not, gets at {shown}", again)
            )
        elif not there.st_mode & stat.S_ISGID:
            found.append((f"what is made in {shown} is not the group's (setgid)", again))
    root = os.lstat(atlas.root).st_mode
    if root & 0o022 and not root & stat.S_ISVTX:
        found.append(("people may rename the folders of the tree", f"chmod g-w,o-w {atlas.root}"))
    if root & 0o050 != 0o050:
        found.append((f"people may not get through {atlas.root}", again))
    return found


def _lack(mode: int, group: int) -> str:
    return "drag folders in" if group & 0o020 and not mode & 0o020 else "read"


def follow(atlas: Atlas) -> None:
    """What this process makes in the tree can be dragged by whoever may drag in inbox/."""
    os.umask(0o777 & ~os.lstat(atlas.inbox).st_mode)


def give(folder: Path, owner: str) -> None:
    """As root: make FOLDER, and let it belong to OWNER, ``user:group`` (the user's name alone: a
    group of that name). LookupError where one is not known here."""
    folder.mkdir(parents=True, exist_ok=True)
    user, _, group = owner.partition(":")
    shutil.chown(folder, user, group or user)
    folder.chmod(stat.S_IMODE(folder.lstat().st_mode) & ~0o027 | stat.S_ISGID)


def become(folder: Path) -> None:
    """As root: go on as the owner of FOLDER, with the owner's groups and FOLDER's; all that is
    written then is the owner's. Anybody else, and root where FOLDER is root's, stays who it is."""
    owner = os.lstat(folder)
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    try:
        account = pwd.getpwuid(owner.st_uid)
        os.initgroups(account.pw_name, owner.st_gid)
        gid, home = account.pw_gid, account.pw_dir
    except KeyError:  # known to the file server alone
        os.setgroups([owner.st_gid])
        gid, home = owner.st_gid, "/nonexistent"
    os.setgid(gid)
    os.setuid(owner.st_uid)
    os.environ["HOME"] = home


def claim(atlas: Atlas) -> None:
    """This process may write to the tree, and what it writes is the tree's. As root it goes on as
    the tree's owner; NotOwner for anybody else whose files would be their own.

    Tried rather than read from ids: behind a server that maps users, another id may be the owner.
    """
    become(atlas.pipeline)
    follow(atlas)
    owner = os.lstat(atlas.pipeline)
    if os.geteuid() == owner.st_uid:
        return
    probe = atlas.drafts / f".probe-{names.nonce(8)}"
    try:
        atlas.disk.mkdir(probe)
        ours = os.lstat(probe).st_uid == owner.st_uid
        atlas.disk.rmdir(probe)
    except PermissionError:
        ours = False
    if not ours:
        who = _name(owner.st_uid)
        raise NotOwner(
            f"the tree at {atlas.root} belongs to {who}; what {_name(os.geteuid())} writes there"
            " could not be used by its workers.",
            f"Run it as {who}: sudo -u {who} inbox3d …, or as root.",
        )


def called(found: os.stat_result) -> str:
    """owner:group, as chown takes it."""
    group = str(found.st_gid)
    with contextlib.suppress(KeyError):
        group = grp.getgrgid(found.st_gid).gr_name
    return f"{_name(found.st_uid)}:{group}"


def _name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return str(uid)


def shut_out(account: str, owner: os.stat_result) -> str:
    """The group that ACCOUNT must be in to read the tree, where that account is here and is not in
    it; else nothing."""
    try:
        person, group = pwd.getpwnam(account), grp.getgrgid(owner.st_gid)
    except KeyError:
        return ""
    inside = person.pw_gid == group.gr_gid or account in group.gr_mem
    return "" if inside else group.gr_name
