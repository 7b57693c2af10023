"""How much one job's times tell of another's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from layout.manifest import JobFile
from pipeline.formats import frames, masks, pictures
from pipeline.jobs.common import ASIDE

# options that change no stage's time
NO_MATTER = (*ASIDE, "seed", "prompt", "image_urls", "image_paths")
OTHER_OPTION, OTHER_KIND, OTHER_DEVICE = 0.4, 0.05, 0.3  # what each leaves of a sample's weight
ONCE = re.compile(r"^once-[0-9a-z]{4}-")


class Asked(NamedTuple):
    """What a job's times depend on: kind, bytes and number of the used files, options, the devices
    that worked on it, and of a scan of photographs how many there are."""

    kind: str | None
    bytes: int
    files: int
    options: tuple[tuple[str, Any], ...]
    devices: frozenset[str]
    photos: int = 0

    @classmethod
    def of(cls, job: JobFile) -> Asked:
        used = [row for row in job.manifest if row.used]
        options = tuple(
            sorted((key, value) for key, value in job.options.items() if key not in NO_MATTER)
        )
        return cls(
            job.kind,
            sum(row.size for row in used),
            len(used),
            options,
            frozenset(device(start.worker) for start in job.starts),
            photographs(row.path for row in used) if job.kind == "scan" else 0,
        )


def photographs(names: Iterable[str]) -> int:
    """How many pictures NAMES name; 0 where any of them says that it is something else, or goes
    with depths."""
    shown = [name for name in names if not frames.goes_with_photos(name)]
    if not all(map(pictures.is_named, shown)) or any(map(pictures.tells_depth, shown)):
        return 0
    return len(shown) - len(masks.of(shown).aside)


def device(worker: str) -> str:
    """``host-device`` of a worker's name, which is drawn anew at each process start; all of `once`
    count as one host."""
    return ONCE.sub("once-", worker.rpartition("-")[0])


def likeness(asked: Asked, other: Asked) -> float:
    """How much OTHER tells of ASKED, 0…1: less by every other option, by another kind (photographs
    are not what scanners measure), device or size."""
    mine, its = dict(asked.options), dict(other.options)
    alike = asked.kind == other.kind and bool(asked.photos) == bool(other.photos)
    differing = sum(mine.get(key) != its.get(key) for key in {*mine, *its}) if alike else 0
    apart = math.log((asked.bytes + 1000) / (other.bytes + 1000))
    return (
        OTHER_OPTION**differing
        * (1.0 if alike else OTHER_KIND)
        * (1.0 if asked.devices & other.devices else OTHER_DEVICE)
        * math.exp(-abs(apart))
    )


def weighted_median(values: Iterable[float], shares: Iterable[float]) -> float:
    """The value at half of the shares, between two neighbours in proportion; one sample far off
    moves it little."""
    rows = sorted(zip(values, shares, strict=True))
    half, below = sum(share for _, share in rows) / 2, 0.0
    before: tuple[float, float] | None = None
    for value, share in rows:
        centre = below + share / 2
        if centre >= half:
            if before is None:
                return value
            return before[0] + (value - before[0]) * (half - before[1]) / (centre - before[1])
        before, below = (value, centre), below + share
    return rows[-1][0]
