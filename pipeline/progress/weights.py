"""What stages take where no earlier job tells: a first estimate, and the measure by which a job's
times are scaled to another's size.

Measured on 2 cores without a GPU by `python benchmarks/bench_progress.py --stages`. Only their
proportions matter: the pace of the host shows as soon as a job has run, or even within its first
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.progress import COPY, PROMOTE, READY
from pipeline.progress.likeness import Asked

DOUBT = 0.6  # how wrong a first estimate is, a share of it
HIGH = 2.5  # the tier high beside standard
MEGABYTE = 1e6
TEXTURE = 2048  # pixels, the edge for which texture was measured


class Weight(NamedTuple):
    """Seconds: always, for every megabyte of used input, for every used file; TIERED: whether the
    quality tier counts."""

    always: float
    per_mb: float = 0.0
    per_file: float = 0.0
    tiered: bool = False


WEIGHTS: dict[str, Weight] = {
    COPY: Weight(0.05, 0.01, 0.005),
    READY: Weight(0.5),
    "photos.find_cameras": Weight(0.01),
    "photos.densify": Weight(0.01),
    "scan.read_passes": Weight(0.05, 0.05),
    "scan.orient": Weight(0.1, 0.7),
    "scan.align": Weight(0.5, 0.0, 1.1, True),
    "scan.pose_pictures": Weight(0.01),
    "scan.fuse": Weight(0.05, 0.1),
    "scan.find_features": Weight(0.05, 0.1),
    "scan.mesh": Weight(3.0, 0.6, 0.0, True),
    "scan.measure": Weight(0.5, 0.05),
    "scan.compare": Weight(0.01),
    "views.fetch_images": Weight(0.05, 0.0, 0.02),
    "views.generate_views": Weight(5.0, 0.0, 0.0, True),
    "views.normalize_views": Weight(0.3, 0.0, 0.15),
    "mesh.reconstruct": Weight(6.0, 0.0, 0.0, True),
    "mesh.draw_sides": Weight(0.01),
    "mesh.read_mesh": Weight(0.03, 0.1),
    "mesh.clean": Weight(0.1, 0.15),
    "mesh.decimate": Weight(0.5, 0.6),
    "mesh.pose_view": Weight(4.0),
    "finish.assist": Weight(0.01),
    "finish.texture": Weight(5.0, 0.2, 0.0, True),
    "finish.export": Weight(0.1, 0.0, 0.0, True),
    "finish.preview": Weight(2.0, 0.03),
    "finish.report": Weight(0.4, 0.1),
    PROMOTE: Weight(0.1, 0.005),
}
# of a scan of photographs: what their number decides, not their bytes
PHOTOS: dict[str, Weight] = {
    "photos.find_cameras": Weight(4.0, 0.0, 1.6, True),
    "photos.densify": Weight(1.0, 0.0, 2.0, True),
    "scan.read_passes": Weight(0.05),
    "scan.orient": Weight(0.05),
    "scan.align": Weight(0.5),
    "scan.fuse": Weight(0.5, 0.0, 0.1),
    "scan.find_features": Weight(3.0),
    "scan.mesh": Weight(10.0, 0.0, 0.0, True),
    "scan.measure": Weight(1.5),
    "mesh.clean": Weight(2.0),
    "mesh.decimate": Weight(3.0),
    "finish.texture": Weight(6.0, 0.0, 0.5, True),
    "finish.preview": Weight(3.0),
    "finish.report": Weight(5.0),
}
UNKNOWN = Weight(1.0, 0.1)  # a plug-in's stage
# these tell their share in even steps
STEADY = frozenset({COPY, "scan.read_passes", "scan.orient", "views.fetch_images"})


def of(stage: str, asked: Asked) -> float:
    """Seconds that STAGE takes for what is ASKED, on the host of the measurement."""
    if asked.photos and stage in PHOTOS:
        weight = PHOTOS[stage]
        plain = weight.always + weight.per_file * asked.photos
        return plain * _by_options(stage, dict(asked.options), weight.tiered)
    return seconds(stage, asked.bytes, asked.files, dict(asked.options))


def seconds(stage: str, size: int, files: int, options: Mapping[str, Any]) -> float:
    """The same of whatever is no photograph: SIZE bytes in FILES files under OPTIONS."""
    weight = WEIGHTS.get(stage, UNKNOWN)
    plain = weight.always + weight.per_mb * size / MEGABYTE + weight.per_file * files
    return plain * _by_options(stage, options, weight.tiered)


def _by_options(stage: str, options: Mapping[str, Any], tiered: bool) -> float:
    if stage.rpartition(".")[2] in (options.get("skip") or ()):
        return 0.0
    factor = HIGH if tiered and options.get("quality_tier") == "high" else 1.0
    if stage == "finish.texture":
        if options.get("texture") is False:
            return 0.0
        factor *= (1 + ((options.get("texture_size") or TEXTURE) / TEXTURE) ** 2) / 2
    if stage == "finish.export":
        factor *= max(len(options.get("output_format") or ()), 1)
    return factor
