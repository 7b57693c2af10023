"""Declared equals arrived: what a file says that it holds, beside what was read of it.

A reader, of meshes or of scans, notes here every thing that its file speaks of. Whatever differs
becomes one sentence, and only here: the report, job.json and scan.json tell it. Where a difference
would make the result wrong, the reader refuses the file instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# Said of a thing that did not arrive whole; {name} is the thing's own name.
WORDS = {
    "faces": "{declared} faces are declared, {arrived} were read",
    "vertices": "{declared} vertices are declared, {arrived} were read",
    "texture": "texture {name} is named but not in the drop",
    "material file": "the material file {name} is named but not in the drop",
    "material": "material {name} is used but not defined",
    "extension": "{name} was not applied",
    "attribute": "{name} was not read",
    "points": "{missing} points that no face uses were left out",
    "lines": "{missing} lines were left out",
    "transparency": "its transparency was not kept",
    "maps": "of the materials only the base colour was kept",
    "part": "{name} was not read",
}


class Thing(NamedTuple):
    """Something countable: points, scans, blocks, faces. why: what became of the rest, in words."""

    what: str
    said: int
    read: int
    why: str = ""


class Account:
    """What the file NAME declares and what of it arrived.

    ``declare`` what the file speaks of, ``arrive`` what was read of it, by kind (a key of WORDS)
    and name; ``explain`` says in other words why something was not. ``count`` does both at once.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.things: list[Thing] = []
        self.remarks: list[str] = []
        self._declared: Counter[tuple[str, str]] = Counter()
        self._arrived: Counter[tuple[str, str]] = Counter()
        self._reasons: dict[tuple[str, str], str] = {}

    def declare(self, kind: str, name: str = "", count: int = 1) -> None:
        self._declared[kind, name] += count

    def arrive(self, kind: str, name: str = "", count: int = 1) -> None:
        self._arrived[kind, name] += count

    def explain(self, kind: str, name: str, why: str) -> None:
        self._reasons[kind, name] = why

    def count(self, what: str, said: int, read: int, why: str = "") -> None:
        """SAID of WHAT (a plural) were declared, READ arrived."""
        self.things.append(Thing(what, said, read, why))

    def lost(self, names: Iterable[str], why: str = "a model has no place for it") -> None:
        """Attributes, materials or extensions that stand in the file and did not arrive."""
        if found := [name for name in dict.fromkeys(names) if name]:
            self.remark(f"{listed(found)} {'was' if len(found) == 1 else 'were'} not read: {why}")

    def remark(self, text: str) -> None:
        """Anything else that the person should know: a guess, a correction, what was read otherwise
        than it stands there."""
        if text not in self.remarks:
            self.remarks.append(text)

    def differences(self) -> list[str]:
        """One sentence for each thing of which not all arrived, or more than was declared, then the
        remarks; without the file's name and a full stop."""
        counted = [_difference(thing) for thing in self.things if thing.read != thing.said]
        return [*self._missing(), *counted, *self.remarks]

    def _missing(self) -> Iterator[str]:
        for (kind, name), declared in self._declared.items():
            arrived = self._arrived[kind, name]
            if arrived != declared:
                said = self._reasons.get((kind, name)) or WORDS[kind]
                counts = {"declared": declared, "arrived": arrived, "missing": declared - arrived}
                yield said.format(name=name, **counts)


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
