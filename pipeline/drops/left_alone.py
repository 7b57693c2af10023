"""What of inbox/ is not looked at under the name it bears, and why, in words for its person."""

from __future__ import annotations

from collections.abc import Iterable

from layout import names
from layout.disk import Entry
from pipeline.drops.verdict import Wait


def left_alone(entries: Iterable[Entry]) -> dict[str, Wait]:
    """Entries of inbox/ that are looked at under another name only, with the reason; what systems
    leave about by themselves has none."""
    found = {}
    for name, is_dir in entries:
        if names.temporary(name):
            found[name] = Wait("it looks like an unfinished copy; goes on under its final name")
        elif names.ignored(name, is_dir) and not names.harmless(name):
            begin = "~$" if name.startswith("~$") else "a dot"
            found[name] = Wait(
                f"left alone, since names that begin with {begin} are hidden or temporary; rename"
                " it to have it worked on"
            )
    return found
