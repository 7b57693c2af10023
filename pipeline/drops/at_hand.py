"""Drops at hand, complete on this host, that somebody submits: what speaks against taking them."""

from __future__ import annotations

from pathlib import Path

from layout import names
from pipeline.drops import evidence
from pipeline.drops.contents import Contents
from pipeline.drops.entries import Listing
from pipeline.drops.evidence import some
from pipeline.drops.jobtoml import ListedFile
from pipeline.drops.listing import look
from pipeline.drops.verdict import FILL, MEND_LIST, UNFINISHED, Refuse


def against_its_list(drop: Path) -> Refuse | None:
    """What is wrong where DROP, a complete folder on this host, is not what its own job.toml
    lists."""
    seen, contents = look(drop), Contents()
    if not (listed := contents.listed(seen)):
        return None
    while (wrong := differences(seen, contents, listed)) is None:
        pass  # each turn compares another piece
    return Refuse(f"not what its job.toml lists: {some(wrong)}", f"{MEND_LIST}.") if wrong else None


def still_arriving(drop: Path) -> Refuse | None:
    """What is unfinished in DROP, a file or folder on this host that somebody submits; nothing
    where it is said or listed to be whole."""
    seen, contents = look(drop), Contents()
    if evidence.said(drop.name, seen) or contents.listed(seen):
        return None
    copies = [found.path for found in seen.temporary] + evidence.strays(seen)
    if copies or (not seen.is_folder and names.temporary(drop.name)):
        return Refuse(
            f"holds unfinished copies: {some(copies or [drop.name])}",
            "Let the copy end, or take them out.",
        )
    for path, control in evidence.controlled(seen):
        return Refuse(
            f"{UNFINISHED}{path}: {control} beside it says so",
            f"Let the download end, or delete {control} if it has.",
        )
    for found in evidence.content(seen):
        if zeros := contents.unfilled(seen, found):
            return Refuse(f"{UNFINISHED}{found.path}: {zeros}", f"{FILL}.")
    return None


def differences(
    look: Listing, contents: Contents, listed: tuple[ListedFile, ...]
) -> list[str] | None:
    """In words, how the files differ from the list; None while their checksums are still worked
    on."""
    files = evidence.listable(look)
    wrong = evidence.differences(files, listed)
    for each in () if wrong else listed:
        found = contents.sha256(look, files[each.path]) if each.sha256 else ""
        if found is None:
            return None
        wrong += (
            [f"{each.path} has other bytes"] if each.sha256 and found != each.sha256.lower() else []
        )
    return wrong
