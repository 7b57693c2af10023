"""What earlier jobs took of time and memory, and what another one may take by that.

The only truth are the times and the peak of memory in the job.json of done jobs. They are read
once, in the background, when a worker begins, and again after an hour; what this worker ran itself
is added as it ends. Nothing is stored.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import math
import threading
import time
from collections.abc import Iterable
from typing import NamedTuple

from layout.manifest import REQUEST_LIMIT, JobFile, NewerFormat, Unreadable
from layout.tree import Atlas, State
from pipeline import recipes
from pipeline.progress import needs, weights
from pipeline.progress.likeness import OTHER_KIND, OTHER_OPTION, Asked, likeness, weighted_median

log = logging.getLogger(__name__)

PER_KIND, READ_AT_MOST = 24, 600  # jobs of one kind that are remembered; files that one look reads
LOOK_AGAIN = 3600.0  # seconds between two looks at done/
OLDER = 0.97  # what each newer job leaves of an older one's weight
TINY = 0.05  # seconds; below that a stage is as good as skipped


class Guess(NamedTuple):
    """Seconds that a stage may take, how wrong that may be (a share of it), and whether it rests on
    no earlier job."""

    seconds: float
    doubt: float
    cold: bool


class Known(NamedTuple):
    """What is remembered of a job: what was asked, seconds by stage, peak of memory in bytes, and
    what of that is declared for all its stages."""

    asked: Asked
    times: dict[str, float]
    peak: int | None
    declared: float


class Past:
    """The jobs this worker knows of, newest last. Safe to ask from one thread while another
    reads."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.version = 0
        self._known: dict[str, Known] = {}
        self._awaited: set[str] = set()
        self._looked = float("-inf")
        self._lock, self._reader = threading.Lock(), threading.Thread()

    # -- asking --------------------------------------------------------------------------------
    def guess(self, stage: str, asked: Asked) -> Guess:
        """The weighted median of what STAGE took, each time scaled to this job's size; the built-in
        weight where there is none."""
        foreseen = weights.of(stage, asked)
        if not foreseen:  # the options leave it out
            return Guess(0.0, 0.0, False)
        with self._lock:
            samples = [
                (known.asked, known.times[stage])
                for known in reversed(self._known.values())
                if stage in known.times
            ]
        ratios, shares = [], []
        for age, (other, took) in enumerate(samples):
            before = weights.of(stage, other)
            ratios.append(math.log((took + TINY) / (before + TINY)))
            shares.append(likeness(asked, other) * OLDER**age)
        if sum(shares) < OTHER_KIND / 2:
            return Guess(foreseen, weights.DOUBT, True)
        middle = weighted_median(ratios, shares)
        spread = weighted_median([abs(ratio - middle) for ratio in ratios], shares)
        known = sum(shares)
        doubt = 0.25 + min(spread, 1.0) + weights.DOUBT * math.exp(-2 * known)
        return Guess(
            max(math.exp(middle) * (foreseen + TINY) - TINY, 0.0), doubt, known < OTHER_OPTION / 2
        )

    def memory(self, stages: Iterable[str], asked: Asked) -> int:
        """Bytes that an engine needs for the largest of STAGES: as declared, set right by the peaks
        of earlier jobs."""
        with self._lock:
            known = [one for one in reversed(self._known.values()) if one.peak and one.asked.kind]
        ratios, shares = [], []
        for age, other in enumerate(known):
            if other.peak and other.declared:
                ratios.append(other.peak / other.declared)
                shares.append(likeness(asked, other.asked) * OLDER**age)
        foreseen = needs.declared(stages, asked)
        return int(needs.ENGINE + needs.corrected(foreseen, ratios, shares))

    # -- learning ------------------------------------------------------------------------------
    def learn(self, job: JobFile) -> None:
        """Remember what JOB's stages took; a later word about the same job takes the earlier one's
        place."""
        if not job.kind or not job.provenance.times:
            return
        with self._lock:
            self._known.pop(job.id, None)
            asked, times = Asked.of(job), dict(job.provenance.times)
            declared = needs.declared(recipes.stages(asked.kind), asked)
            self._known[job.id] = Known(asked, times, job.provenance.peak_rss, declared)
            same = [id for id, known in self._known.items() if known.asked.kind == job.kind]
            for id in same[:-PER_KIND]:
                del self._known[id]
            self.version += 1

    def await_end(self, job: JobFile) -> None:
        """JOB goes on elsewhere: what its later legs took is looked up by name once it is done."""
        self.learn(job)
        self._awaited.add(job.id)

    def refresh(self) -> None:
        """Read what is new, in the background; never waited for."""
        due = time.monotonic() - self._looked > LOOK_AGAIN
        if (due or self._awaited) and not self._reader.is_alive():
            self._looked = time.monotonic() if due else self._looked
            self._reader = threading.Thread(target=self.read, args=(due,), name="past", daemon=True)
            self._reader.start()

    def read(self, whole: bool = True) -> None:
        """Learn from the awaited jobs and, with WHOLE, from the newest in done/."""
        try:
            for id in list(self._awaited):
                if self._read(id):
                    self._awaited.discard(id)
            if whole:
                self._newest()
        except OSError as error:  # the share is away: whoever claims will say so
            log.info("past.unread what=%s", error)

    def _newest(self) -> None:
        """Newest first by the folders' own times (nothing is decided by them), until every kind is
        known well."""
        disk, folder = self.atlas.disk, self.atlas.done
        dated = (
            (stat.st_mtime, name)
            for name in self.atlas.names(State.DONE)
            if (stat := disk.lstat(folder / name))
        )
        found: list[JobFile] = []
        counts = dict.fromkeys(recipes.RECIPES, 0)
        for _, name in heapq.nlargest(READ_AT_MOST, dated):
            job = self._load(name)
            if job is not None and counts.get(job.kind or "", PER_KIND) < PER_KIND:
                counts[str(job.kind)] += 1
                found.append(job)
            if min(counts.values()) >= PER_KIND:
                break
        with self._lock:
            newer = set(self._known)
        for job in reversed(found):
            if job.id not in newer:
                self.learn(job)

    def _read(self, id: str) -> bool:
        job = self._load(id)
        if job is not None:
            self.learn(job)
        return job is not None

    def _load(self, name: str) -> JobFile | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError, Unreadable, NewerFormat):
            return JobFile.load(
                self.atlas.disk.read(self.atlas.done / name / JobFile.name, REQUEST_LIMIT)
            )
        return None
