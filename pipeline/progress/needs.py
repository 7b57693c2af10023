"""What stages need of memory: declared here, for every stage, as a function of what is asked; set
right by what done jobs took.

Bytes of the process that runs the stage, its libraries included. Measured by `python
benchmarks/memory.py` and `benchmarks/scale.py`. A figure that is too high would make a job wait in
vain, one that is too low costs a crashed start, which is counted and told: so what only the run
itself can tell (which weights "auto" finds, what a zip holds) counts nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pipeline.jobs.common import TIERS, Tier
from pipeline.progress.likeness import Asked, weighted_median
from pipeline.weights import cards

MEGABYTE = 1e6
ENGINE = 380 * MEGABYTE  # the process that legs are forked from; it counts beside them
DOUBT = 0.3  # weight of the declared figure beside those of earlier jobs, 1 for a job just like it
MOST_OFF = 8.0  # times by which earlier jobs may correct it

Need = Callable[[Asked], float]


def _grows(always: float, per_mb: float = 0.0, per_file: float = 0.0) -> Need:
    """Megabytes: ALWAYS, for each megabyte of used input, for each used file."""
    return lambda asked: always + per_mb * asked.bytes / MEGABYTE + per_file * asked.files


def _photographs(always: float, per_megapixel: float, edge: str) -> Need:
    """Photographs are worked on one beside its neighbours, at the tier's EDGE."""
    return lambda asked: always + per_megapixel * float(getattr(_tier(asked), edge)) ** 2 / 1e6


def _field(asked: Asked) -> float:
    """A mesh from views: a lattice of the tier's grid, only near the surface; the networks'
    weights where they are asked for by name."""
    weights = {"triposr": 2500.0, "instantmesh": 6000.0, "triposg": 6500.0}.get(
        str(_option(asked, "backend")), 0.0
    )
    return 500.0 + weights + 2e-6 * float(_tier(asked).grid) ** 3


def _texture(asked: Asked) -> float:
    """The unwrapped mesh and its samples, and the texture with what is baked beside it; a mesh that
    is converted keeps its own."""
    if asked.kind == "convert" or _option(asked, "texture") is False:
        return 400.0
    edge = float(_option(asked, "texture_size") or _tier(asked).texture)
    return 750.0 + 0.3 * asked.bytes / MEGABYTE + 45e-6 * edge**2


def _mesh_scan(asked: Asked) -> float:
    """Poisson's octree: a leaf where the surface is, so four times as many a level; the object and
    the tier decide, not how often it was scanned."""
    return 700.0 + 0.3 * asked.bytes / MEGABYTE + 60.0 * 4.0 ** (_tier(asked).depth - 9)


def _mesh(per_mb: float) -> Need:
    """A mesh as it came (PER_MB of its file; text takes less than binary), or as a stage made
    it."""

    def need(asked: Asked) -> float:
        if asked.kind == "convert":
            return 370.0 + per_mb * asked.bytes / MEGABYTE
        return 600.0 if asked.kind != "scan" else _mesh_scan(asked)

    return need


NEEDS: dict[str, Need] = {
    "photos.find_cameras": _photographs(500, 150, "photo"),
    "photos.densify": _photographs(500, 300, "depths"),
    "scan.read_passes": _grows(400, 0.3),
    "scan.orient": _grows(400, 0.3),
    "scan.align": _grows(450, 0.5),
    "scan.pose_pictures": _grows(400),
    "scan.fuse": _grows(450, 1.2),
    "scan.find_features": _grows(450, 0.5),
    "scan.mesh": _mesh_scan,
    "scan.measure": _mesh_scan,
    "scan.compare": _mesh_scan,
    "views.fetch_images": _grows(300, 1.0),
    "views.generate_views": _grows(500),
    "views.normalize_views": _grows(400, 1.0),
    "mesh.reconstruct": _field,
    "mesh.draw_sides": _mesh(1.0),
    "mesh.read_mesh": _mesh(12.0),
    "mesh.clean": _mesh(10.0),
    "mesh.decimate": _mesh(8.0),
    "mesh.pose_view": _mesh(8.0),
    "finish.assist": _grows(370),
    "finish.texture": _texture,
    "finish.export": _mesh(1.0),
    "finish.preview": _mesh(2.0),
    "finish.report": _mesh(2.0),
}
OTHERS = _grows(400)  # a plug-in's stage


def declared(stages: Iterable[str], asked: Asked) -> float:
    """Bytes that the largest of STAGES needs for a job that is ASKED so, leaving out what its
    options skip."""
    left = set(_option(asked, "skip") or ())
    needs = (
        NEEDS.get(stage, OTHERS)(asked) for stage in stages if stage.rpartition(".")[2] not in left
    )
    return MEGABYTE * max(needs, default=0.0)


def on_gpu(stages: Iterable[str], asked: Asked) -> int:
    """Bytes of a GPU's memory that STAGES need at the least for a job that is ASKED so, where they
    run on one: for a backend that is asked for by name."""
    if "mesh.reconstruct" not in set(stages):
        return 0
    return cards.least(str(_option(asked, "backend")), _tier(asked).grid)


def corrected(foreseen: float, ratios: Sequence[float], shares: Sequence[float]) -> float:
    """FORESEEN bytes, set right by how many times as much as declared earlier jobs took (RATIOS),
    each with its SHARE of likeness; on the careful side of their spread."""
    logs = [0.0, *(math.log(min(max(one, 1 / MOST_OFF), MOST_OFF)) for one in ratios)]
    weights = [DOUBT, *shares]
    middle = weighted_median(logs, weights)
    spread = weighted_median([abs(one - middle) for one in logs], weights)
    return foreseen * math.exp(middle + (spread if ratios else 0.0))


def _option(asked: Asked, name: str) -> Any:
    return dict(asked.options).get(name)


def _tier(asked: Asked) -> Tier:
    return TIERS.get(str(_option(asked, "quality_tier")), TIERS["standard"])
