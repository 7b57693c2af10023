"""Declared equals arrived: a ledger of everything that a file speaks of, and of what was read of
it. One place compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

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


class Ledger:
    """``declare`` what the file speaks of, ``arrive`` what was read; ``explain`` says in other
    words why something was not."""

    def __init__(self) -> None:
        self._declared: Counter[tuple[str, str]] = Counter()
        self._arrived: Counter[tuple[str, str]] = Counter()
        self._reasons: dict[tuple[str, str], str] = {}
        self._notes: list[str] = []

    def declare(self, kind: str, name: str = "", count: int = 1) -> None:
        self._declared[kind, name] += count

    def arrive(self, kind: str, name: str = "", count: int = 1) -> None:
        self._arrived[kind, name] += count

    def explain(self, kind: str, name: str, why: str) -> None:
        self._reasons[kind, name] = why

    def note(self, text: str) -> None:
        """Something that was read otherwise than it stands there."""
        self._notes.append(text)

    def differences(self, file: str) -> Iterator[str]:
        """A sentence for each thing that is declared and did not arrive, or arrived in another
        number."""
        for (kind, name), declared in self._declared.items():
            arrived = self._arrived[kind, name]
            if arrived != declared:
                said = self._reasons.get((kind, name)) or WORDS[kind]
                counts = {"declared": declared, "arrived": arrived, "missing": declared - arrived}
                yield f"{file}: {said.format(name=name, **counts)}."
        for text in dict.fromkeys(self._notes):
            yield f"{file}: {text}."
