"""Which edge of docs/lifecycle.md a rename is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from layout import names, tree
from layout.tree import State

if TYPE_CHECKING:
    from tests.simulation.world import World

EDGES = {
    "a": "submit", "b": "claim", "b.": "reveal", "r": "refuse", "c": "start", "d": "hand on", "e": "finish", "f": "fail", "g": "release",
    "g.": "accept anew", "s": "seize", "h": "retry", "i": "cancel", "j": "delete", "p": "promote", "k": "restore", "q": "correct a queue", "t": "tidy",
}  # fmt: skip


def letter(world: World, source: Path, target: Path) -> str:
    """The edge's letter; a word where people drag, "" where it is none."""
    atlas, old, new = world.atlas, source.parent, target.parent
    if old == atlas.staging:
        return "" if new == atlas.trash else "p"
    if old == atlas.drafts and new == atlas.inbox:
        return "a"
    if old == atlas.inbox:
        return "i" if new == atlas.failed else "b" if atlas.claimed in target.parents else ""
    if old == atlas.trash:
        return "k" if new in (atlas.done, atlas.failed) else ""
    if new == atlas.trash:
        return "j" if old in (atlas.done, atlas.failed) else ""
    if old == atlas.claimed:
        return _from_claimed(world, source, target)
    if old == atlas.processing:
        return _from_processing(world, source, target)
    if old == atlas.failed:
        return "h" if new == atlas.inbox else "t" if new == atlas.failed else ""
    return ""


def _from_claimed(world: World, source: Path, target: Path) -> str:
    where = target.parent.name
    if where == State.CLAIMED:
        if target.name.startswith("."):
            return "g." if "@anew." in target.name else "q"
        return "b." if source.name.startswith(".") else "q"
    if where == State.FAILED:
        return "r" if "@refused." in source.name else "i"
    return "c" if where == State.PROCESSING else ""


def _from_processing(world: World, source: Path, target: Path) -> str:
    where = target.parent.name
    if where == State.FAILED:
        return "i" if "@" in target.name else "f"
    if where == State.CLAIMED:
        return (
            "g."
            if target.name.startswith(".")
            else _back(target if target.exists() else source, target.name)
        )
    return {State.DONE.value: "e", State.PROCESSING.value: "s", State.INBOX.value: "h"}.get(
        where, ""
    )


def _back(folder: Path, name: str) -> str:
    parsed = names.parse_claimed(name)
    try:
        starts = json.loads((folder / tree.JOB).read_bytes())["starts"]
    except (OSError, ValueError, LookupError):
        return "g"
    handed = parsed and any(
        s["n"] == parsed.n and str(s["noted"]).startswith("handed on") for s in starts
    )
    return "d" if handed else "g"
