"""What failed lately, in words, for STATUS.txt."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from layout import tree
from layout.attention import words
from layout.manifest import ErrorFile, NewerFormat, Unreadable
from layout.tree import Atlas, Place, State

NO_REASON = "it was moved there by hand; its reason is not written yet"
SHOWN = 10


class Failures:
    """Reads each once, and what could not be read or has no reason yet at every look anew."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self._known: dict[str, tuple[float, str]] = {}  # folder → when, and its line

    def lines(self, name: Callable[[Place], str]) -> list[str]:
        """The newest, each called by its NAME. The share's own times only put them in order for
        the eye."""
        places = {place.path.name: place for place in self.atlas.places(State.FAILED)}
        self._known = {key: line for key, line in self._known.items() if key in places}
        found = [self._known.get(key) or self._read(place, name) for key, place in places.items()]
        newest = sorted(found, reverse=True)[:SHOWN]
        more = len(found) - len(newest)
        return [line for _, line in newest] + (
            [f"… and {more} more in failed/"] if more > 0 else []
        )

    def _read(self, place: Place, name: Callable[[Place], str]) -> tuple[float, str]:
        """A folder that cannot be read is told as such: it must not keep the rest from being
        told."""
        try:
            when: Any = self.atlas.disk.lstat(place.path)
            message = self._message(place)
        except OSError as error:
            return 0.0, f"{name(place)}: {words(error, place.path)}"
        line = when.st_mtime if when else 0.0, f"{name(place)}: {message or NO_REASON}"
        if message:
            self._known[place.path.name] = line
        return line

    def _message(self, place: Place) -> str:
        """Nothing where a reaper is about to write the reason of what a person moved there."""
        unsaid = (FileNotFoundError, NotADirectoryError, IsADirectoryError, Unreadable, NewerFormat)
        with contextlib.suppress(*unsaid):
            error = ErrorFile.load(self.atlas.disk.read(place.path / tree.ERROR))
            return " ".join(f"{error.message} → {error.remedy}".split())
        written = self.atlas.disk.seen(place.path / tree.ERROR_TEXT)
        return "see error.txt in its folder" if written else ""
