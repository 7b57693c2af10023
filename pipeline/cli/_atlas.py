"""Finding and opening Atlas for a command."""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path
from typing import NoReturn

from layout import lifecycle, ownership
from layout.disk import LineFault
from layout.init import exists
from layout.tree import Atlas, Place
from pipeline import config
from pipeline.cli import REFUSED, UNUSABLE, fail
from pipeline.config import Settings

VARIABLE = "INBOX3D_ATLAS"


def located(given: str | None) -> Path:
    """Atlas by --atlas, then $INBOX3D_ATLAS, then the host's own file; else ends with a named
    error."""
    path = given or os.environ.get(VARIABLE) or config.load().host.atlas
    if not path:
        fail(
            "no Atlas is named.",
            UNUSABLE,
            f'Give --atlas FOLDER, set ${VARIABLE}, or write `atlas = "…"` under [host] in'
            " host.toml.",
        )
    return Path(str(path)).expanduser().absolute()


def opened(given: str | None, writes: bool = True) -> tuple[Atlas, Settings]:
    """An existing tree and the settings in effect for it. A command that WRITES goes on as the
    tree's owner, or is refused: what it made would not be the workers' to use."""
    root = located(given)
    try:
        there = exists(root)
    except PermissionError:
        fail(f"{root} may not be read by {user()}.", UNUSABLE, outsider(root))
    if not there:
        fail(
            f"there is no inbox3d tree at {root}.",
            UNUSABLE,
            f"Mount the share, or run `inbox3d init {root}` once.",
        )
    atlas = Atlas(root)
    try:
        atlas.identity()
    except (LineFault, ValueError) as error:
        fail(
            str(error),
            UNUSABLE,
            "Update inbox3d on this host, or look at .pipeline/atlas.json on Atlas.",
        )
    if writes:
        ownership.claim(atlas)
    return atlas, config.load(atlas.config_file)


def unfit(root: Path | str, error: Exception) -> NoReturn:
    """ROOT cannot be made a tree: say why, and end."""
    fail(
        f"{root} cannot carry the lifecycle: {error}",
        UNUSABLE,
        "Use one folder on one file system, mounted once, that you may write to.",
    )


def user() -> str:
    """The name of whoever runs this."""
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(os.geteuid()).pw_name
    return f"user {os.geteuid()}"


def outsider(root: Path) -> str:
    """What somebody does who may not enter ROOT."""
    owner = ""
    with contextlib.suppress(OSError, KeyError):
        owner = pwd.getpwuid(root.lstat().st_uid).pw_name
    return (
        f"Run it as the owner of the tree: sudo -u {owner} inbox3d …"
        if owner not in ("", user())
        else "Run it as the owner of the tree, or as root."
    )


def sought(atlas: Atlas, id: str) -> Place:
    """Where job ID stands; ends with a message when it is nowhere."""
    place = lifecycle.find(atlas, id)
    if place is None:
        fail(f"there is no job {id!r} in this tree.", REFUSED, "`inbox3d jobs` lists all.")
    assert place is not None
    return place
