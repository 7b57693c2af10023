"""Progress of the running job: progress.json for programs, PROGRESS.txt in one line for people, at most every two seconds."""

from __future__ import annotations

import time

from layout import tree
from layout.manifest import Progress
from layout.move import holding
from layout.tree import Atlas, Place

INTERVAL = 2.0
COPY, PROMOTE = "copy", "promote"  # what a worker does itself, before and after the stages


class Reporter:
    """Writes how far one start is into the folder that this worker holds: a share of the whole job, with its copy and its promotion.

    Gone: the folder is no longer ours (the fence); LineFault: the share is away.
    """

    def __init__(self, atlas: Atlas, place: Place, stages: tuple[str, ...], interval: float = INTERVAL) -> None:
        self.atlas, self.place, self.stages, self.interval = atlas, place, (COPY, *stages, PROMOTE), interval
        self.stage, self.fraction, self.message = COPY, 0.0, ""
        self._last, self._began = -interval, time.monotonic()

    def at(self, stage: str, fraction: float, message: str) -> None:
        self.stage, self.message = stage, message
        position = self.stages.index(stage) if stage in self.stages else 0
        self.fraction = max(self.fraction, (position + fraction) / len(self.stages))

    def tick(self) -> None:
        """Write if it is time to, and look whether the folder is still ours."""
        if time.monotonic() - self._last < self.interval:
            return
        self._last = time.monotonic()
        progress = Progress(stage=self.stage, fraction=round(self.fraction, 3), message=self.message, eta=self._eta())
        line = f"{self.fraction:4.0%}  {self.stage}  {self.message}\n"
        with holding(self.atlas, self.place):
            self.atlas.disk.replace(self.place.path / tree.PROGRESS, progress.dump())
            self.atlas.disk.replace(self.place.path / tree.PROGRESS_LINE, line.encode())

    def _eta(self) -> float | None:
        """Seconds left, by this job's own pace; None until a fifth is done."""
        spent = time.monotonic() - self._began
        return round(spent * (1 - self.fraction) / self.fraction, 1) if self.fraction >= 0.2 and spent > 5 else None
