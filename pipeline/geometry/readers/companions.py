"""The files of a drop that a mesh refers to, found as people pack them: subfolders, letter case,
composed and decomposed letters, backslashes, paths of another machine, %20, other code pages. What
lies outside the drop is never found."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

PAGES = ("utf-8", "cp1252", "shift_jis", "gbk", "cp1251", "cp437")  # in which a name may be written


class Companions:
    """The files of one drop by their names in it ("textures/wood.png"); BASE is the folder of the
    mesh among them."""

    def __init__(
        self, files: Iterable[tuple[str, Path]], base: str = "", used: set[str] | None = None
    ) -> None:
        """used: names that were found, of these files as seen from anywhere."""
        self.used: set[str] = set() if used is None else used
        self.files = {name.replace("\\", "/"): path for name, path in files}
        self.base = _parts(base)
        self._keys = {name: _parts(name) for name in self.files}

    def below(self, name: str) -> Companions:
        """The same files as seen from the file NAME among them."""
        return Companions(self.files.items(), str(PurePosixPath(name).parent), self.used)

    def find(self, reference: str | bytes, suffixes: tuple[str, ...] = ()) -> str | None:
        """The name of the file that REFERENCE means, or None. Where SUFFIXES are given, no other
        file is meant."""
        for text in _readings(reference):
            for wanted in dict.fromkeys((text, unquote(text), text.partition("?")[0])):
                if found := self._nearest(_parts(wanted), suffixes):
                    self.used.add(found)
                    return found
        return None

    def _nearest(self, wanted: tuple[str, ...], suffixes: tuple[str, ...]) -> str | None:
        """Of the files of that name the one that shares most of the path; of equal ones the nearest
        to the mesh."""
        if not wanted:
            return None
        whole = _resolved((*self.base, *wanted))
        fits = [
            name
            for name, key in self._keys.items()
            if key[-1] == wanted[-1] and (not suffixes or name.lower().endswith(suffixes))
        ]
        if not fits:
            return None

        def closeness(name: str) -> tuple[bool, int, int, int, str]:
            key = self._keys[name]
            near = _shared(key, self.base)
            return (
                key != whole,
                -_shared(key[::-1], _resolved(wanted)[::-1]),
                len(key) - 2 * near,
                len(key),
                name,
            )

        return min(fits, key=closeness)


def _readings(reference: str | bytes) -> list[str]:
    if isinstance(reference, str):
        return [reference]
    found = []
    for page in PAGES:
        try:
            found.append(reference.decode(page))
        except UnicodeDecodeError:
            continue
    return found


def text_of(reference: bytes) -> str:
    """REFERENCE as a person may read it."""
    return _readings(reference)[0]


def _parts(name: str) -> tuple[str, ...]:
    """A path as it is compared: composed letters without case, folders without drive and dots."""
    plain = unicodedata.normalize("NFC", name.strip().strip("\"'").replace("\\", "/")).casefold()
    return tuple(
        part.strip()
        for part in plain.split("/")
        if part.strip() not in ("", ".") and not part.endswith(":")
    )


def _resolved(parts: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    for part in parts:
        if part != "..":
            found.append(part)
        elif found:
            found.pop()
    return tuple(found)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
