"""The workspaces that ended jobs leave on this host: kept until their result was verified once
more, given up where room is needed."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from layout import tree
from layout.promote import verify as whole
from layout.scratch import Scratch
from layout.tree import Atlas, Place, State
from pipeline.config import Settings
from pipeline.runner import scratch
from pipeline.watchers import cleanup


class Leftovers:
    """What earlier jobs left in SCRATCH."""

    def __init__(self, atlas: Atlas, scratch: Scratch, settings: Settings) -> None:
        self.atlas, self.scratch, self.settings = atlas, scratch, settings
        # of finished jobs, until output/ was verified again
        self._kept: list[tuple[float, Place, Path]] = []

    def keep(self, ended: Place, root: Path) -> None:
        """ROOT, the workspace of a job that is done, until its result was verified again."""
        self._kept.append((time.monotonic(), ended, root))

    def sweep(self) -> None:
        """Delete workspaces whose job has ended; the others are resumed by their next start."""
        for item in cleanup.scratch_due(self.atlas, self.settings):
            scratch.discard(item.path)
        for left in self.scratch.root.glob(f"{scratch.GONE}*"):
            shutil.rmtree(left, ignore_errors=True)

    def unused(self) -> list[Path]:
        """Workspaces that may go when room is needed: of ended jobs, verified once more, and of
        jobs that only wait to be resumed."""
        self.verify(everything=True)
        waiting = {place.id for place in self.atlas.places(State.CLAIMED)}
        return [path for path, parts in self.scratch.all() if parts.id in waiting]

    def verify(self, everything: bool = False) -> None:
        """Look again at results some minutes old, then let their scratch go: a power cut on Atlas
        may have undone a finish."""
        for kept in list(self._kept):
            since, place, root = kept
            if everything or time.monotonic() - since >= self.settings.reaper.verify_after:
                with contextlib.suppress(OSError):
                    if whole(self.atlas.disk, place.path / tree.OUTPUT) or not self.atlas.disk.seen(
                        place.path
                    ):
                        scratch.discard(root)
                self._kept.remove(kept)
