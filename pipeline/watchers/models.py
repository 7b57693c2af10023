"""What the models of a worker's host serve for, for its heartbeat: people pull, repair and delete
them while it runs."""

from __future__ import annotations

import threading
from itertools import chain
from pathlib import Path

from layout.beat import Beat
from pipeline import weights
from pipeline.backends import generators
from pipeline.errors import BackendUnavailable

# a model's files and those of its parts, through links too; not what is just being fetched
PATTERNS = ("[!.]*", "[!.]*/*", "[!.]*/*/*")
Seen = frozenset[tuple[str, int, int]]  # path, size, mtime_ns


class Models:
    """The models folder of a worker that serves QUEUES on a GPU of CARD bytes of memory. It is
    looked into again when a name, a size or a time in it changed."""

    def __init__(self, folder: Path, queues: tuple[str, ...], card: int | None = None) -> None:
        self.folder, self.queues, self.card = folder, queues, card
        self._seen: Seen | None = None
        self._news = threading.Event()

    def look(self, beat: Beat) -> None:
        """Tell BEAT what can be made here and which models are broken, if it is not as it was."""
        if not {"views", "mesh"} & set(self.queues) or (seen := self._look()) == self._seen:
            return
        broken = weights.broken(self.folder)
        try:
            generators.chosen(self.folder, card=self.card)
        except BackendUnavailable as error:
            broken["views"] = f"{error.message} {error.remedy}"
        beat.able(weights.backends(self.folder), broken)
        if self._seen is not None:
            self._news.set()
        self._seen = seen

    def changed(self) -> bool:
        """Whether they are others than at the last call."""
        news = self._news.is_set()
        self._news.clear()
        return news

    def _look(self) -> Seen:
        found = []
        for path in chain.from_iterable(map(self.folder.glob, PATTERNS)):
            try:
                at = path.stat()
            except OSError:  # a link into nothing, or it goes just now
                found.append((str(path), -1, 0))
            else:
                found.append((str(path), at.st_size, at.st_mtime_ns))
        return frozenset(found)
