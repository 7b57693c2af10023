"""Files that the tree's own would have become, had their writer lived a moment longer: they lie
hidden beside them, and in inbox/ before people."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from layout import lifecycle
from layout.disk import neighbour_of
from layout.tree import Atlas
from pipeline.watchers.two_looks import TwoLooks


class Torn:
    """Takes away what stood there, under its very name, for GAP seconds: no writer needs as long.
    Those in a job's folder go with the job's next edge."""

    def __init__(
        self, atlas: Atlas, gap: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.atlas, self.gap = atlas, gap
        self._seen = TwoLooks(clock)

    def sweep(self) -> None:
        found = {str(path): path for path in self._unplaced()}
        for key in self._seen.again(found, self.gap):
            lifecycle.discard(self.atlas, found[key], f"{found[key].name.removeprefix('.')}")

    def _unplaced(self) -> Iterator[Path]:
        atlas = self.atlas
        own = {atlas.status_file, atlas.arrivals_file, atlas.identity_file}
        own |= {atlas.keys_file, atlas.signing_file}
        for folder in (atlas.inbox, atlas.pipeline, atlas.keys_file.parent, atlas.labels):
            for entry in atlas.disk.scandir(folder):
                name = neighbour_of(entry.name)
                if name and not entry.is_dir and (
                    folder == atlas.labels or folder / name in own
                ):  # fmt: skip
                    yield folder / entry.name
