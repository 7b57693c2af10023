"""Passes that lie on others of their group which do not know them there: none confirms the place,
and one or more deny it. One good link with one pass brought them in."""

from __future__ import annotations

import itertools

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _verify
from pipeline.stages.scan._graph import WEAK, Group
from pipeline.stages.scan._prepared import Prepared

# Over eight drops of benchmarks/bench_ambiguity.py (seeds 20 to 24) the best score of a pass that
# stood right was 0.16 or more, that of two that did not 0.03 and 0.13.
_CONFIRMED = 0.15  # score of one pair from which its two passes know each other
_SHARED = 0.3  # overlap from which they ought to


def leave_out(passes: list[Prepared], group: Group) -> None:
    """Take the passes out of GROUP that are denied and confirmed by nobody, the worst first."""
    scores = _scores(passes, group)
    while len(group.poses) > 2:
        best = {
            k: max(told)
            for k in group.poses
            if (told := [scores[k, j] for j in group.poses if (k, j) in scores])
            and min(told) < WEAK
        }
        worst = min(best, key=lambda k: (best[k], k), default=None)
        if worst is None or best[worst] >= _CONFIRMED:
            return
        del group.poses[worst]
        group.ways.pop(worst, None)
        group.links = [one for one in group.links if worst not in (one.a, one.b)]


def _scores(passes: list[Prepared], group: Group) -> dict[tuple[int, int], float]:
    """Score of every pair that lies on each other, under both its orders."""
    found: dict[tuple[int, int], float] = {}
    for a, b in itertools.combinations(sorted(group.poses), 2):
        pose: Array = rigid.invert(group.poses[b]) @ group.poses[a]
        (seen,) = _verify.weigh(passes[a], passes[b], np.stack([pose]))
        if seen.overlap > _SHARED:
            found[a, b] = found[b, a] = seen.score
    return found
