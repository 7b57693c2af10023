"""What people call their jobs afterwards, followed like the tree: labels/ is listed when it
changed."""

from __future__ import annotations

import time
from contextlib import suppress

from layout import labels
from layout.labels import Labels
from layout.tree import Atlas
from webapi.index.schema import Row

LIST_ANYWAY = 60.0  # seconds: a share's attributes may be old


class Given:
    """Labels by id, of the jobs that have some."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.known: dict[str, Labels] = {}
        self._stamps: dict[str, tuple[int, int]] = {}
        self._mark, self._when = -1, float("-inf")

    def begin_anew(self) -> None:
        """Tell of every one again."""
        self._stamps, self._mark = {}, -1

    def look(self) -> list[str]:
        """Ids whose labels changed since the last look."""
        found = self.atlas.disk.lstat(self.atlas.labels)
        mark = found.st_mtime_ns if found else 0
        if mark == self._mark and time.monotonic() - self._when < LIST_ANYWAY:
            return []
        stamps: dict[str, tuple[int, int]] = {}
        with suppress(FileNotFoundError, NotADirectoryError):
            for name, _, facts in self.atlas.disk.stats(self.atlas.labels):
                id, dot, end = name.rpartition(".")
                if facts and dot and end == "json" and not id.startswith("."):
                    stamps[id] = (facts.st_ino, facts.st_mtime_ns)
        changed = [id for id, stamp in stamps.items() if self._stamps.get(id) != stamp]
        changed += [id for id in self._stamps if id not in stamps]
        for id in changed:
            self.put(id, labels.read(self.atlas, id))
        self._stamps, self._mark, self._when = stamps, mark, time.monotonic()
        return changed

    def put(self, id: str, found: Labels) -> None:
        if found.called or found.tags:
            self.known[id] = found
        else:
            self.known.pop(id, None)

    def on(self, row: Row) -> Row:
        """ROW under the name and with the tags that its job was given."""
        found = self.known.get(row["id"])
        if found is None:
            return row
        name = found.called or row["name"]
        words = " ".join((name, row["id"], row["name"], *found.tags))
        return row | {
            "name": name,
            "search": words.casefold()[:400],
            "tags": ",".join(found.tags) or None,
        }
