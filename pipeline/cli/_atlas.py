"""Finding and opening Atlas for a command."""

from __future__ import annotations

import os
from pathlib import Path

from layout.disk import LineFault
from layout.init import exists
from layout.tree import Atlas
from pipeline import config
from pipeline.cli import UNUSABLE, fail
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


def opened(given: str | None) -> tuple[Atlas, Settings]:
    """An existing tree and the settings in effect for it."""
    root = located(given)
    if not exists(root):
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
    return atlas, config.load(atlas.config_file)
