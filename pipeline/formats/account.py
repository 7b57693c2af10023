"""Declared equals arrived: what a file says that it holds, beside what was read of it.

A reader notes here every thing that its file speaks of. Whatever differs becomes one sentence, and
only here: the report, job.json and scan.json tell it. Where a difference would make the result
wrong, the reader refuses the file instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Thing(NamedTuple):
    """Something countable: points, scans, blocks, faces. why: what became of the rest, in words."""

    what: str
    said: int
    read: int
    why: str = ""


@dataclass
class Account:
    """What the file NAME declares and what of it arrived."""

    name: str
    things: list[Thing] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def count(self, what: str, said: int, read: int, why: str = "") -> None:
        """SAID of WHAT (a plural) were declared, READ arrived."""
        self.things.append(Thing(what, said, read, why))

    def lost(self, names: Iterable[str], why: str = "a model has no place for it") -> None:
        """Attributes, materials or extensions that stand in the file and did not arrive."""
        if found := [name for name in dict.fromkeys(names) if name]:
            self.remark(f"{listed(found)} {'was' if len(found) == 1 else 'were'} not read: {why}")

    def remark(self, text: str) -> None:
        """Anything else that the person should know: a guess, a correction."""
        if text not in self.remarks:
            self.remarks.append(text)

    def differences(self) -> list[str]:
        """One sentence for each thing of which not all arrived, or more than was declared, then the
        remarks."""
        return [
            _difference(thing) for thing in self.things if thing.read != thing.said
        ] + self.remarks


def _difference(thing: Thing) -> str:
    why = f": {thing.why}" if thing.why else ""
    if thing.read > thing.said:
        return f"its header says {thing.said} {thing.what}, but it holds {thing.read}{why}"
    return f"{thing.read} of {thing.said} {thing.what} were read{why}"


def listed(names: list[str], most: int = 8) -> str:
    """ "a, b and c"; of many the first ones and how many more there are."""
    shown = [name[:60] for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]


def sentences(files: Iterable[Account]) -> list[str]:
    """All differences, each told once: "a.las: …", or "a.las, b.las and 3 more: …" where several
    files share it."""
    shared: dict[str, list[str]] = {}
    for one in files:
        for text in one.differences():
            shared.setdefault(text, []).append(one.name)
    return [f"{listed(names, 2)}: {text}" for text, names in shared.items()]
