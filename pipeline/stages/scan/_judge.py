"""Which of several placements do the surfaces, the free space and the colours of the passes speak
for? Or do they not say?

Every coarse point of a pass answers for every placement: 0 where the other pass saw the same
surface as exactly as its sensor sees, 1 where the other camera looked through it or saw nothing
where it should have seen it, and something between where the other camera could not know. What
counts is how much better a placement explains a point than the others do: a body of revolution fits
its twin at every angle, its handle at one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _verify
from pipeline.stages.scan._prepared import Prepared

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_UNKNOWN = 0.9  # against a point that the other camera could not see
_TONE = 0.1  # of full scale: colours of one place may differ by so much
FEWEST = 30.0  # points that must speak for a placement before it counts as decided
_BESIDE = 2.5  # times the noise that a point may lie off a surface before that explains it badly
_CLEANEST = 0.0003  # of the size: less noise than this counts as this much
_NOISE = 0.025  # share of what was seen by both that may speak either way by chance
# of the surface that a placement explains, another must explain to compete with it
_EXPLAINED = 0.35
_CLEAR = 0.25  # share of the lead over the usual that must separate the best from the next


@dataclass(frozen=True)
class Verdict:
    """gain: points that speak for each placement; explained: share of the pass's surface that the
    others saw too, as exactly as they see, per placement; weight: points that were seen by both, at
    the most, over the root of the number of others: chance grows with it."""

    gain: Array
    explained: Array
    weight: float

    def best(self) -> int:
        """Of the placements that explain enough of the surface to be one."""
        return int(
            np.argmax(
                np.where(self.explained >= _EXPLAINED * self.explained.max(), self.gain, -np.inf)
            )
        )

    def rivals(self, of: int) -> NDArray[np.bool_]:
        """Placements that the data allows as well as the one ``of``."""
        counts = self.explained >= _EXPLAINED * self.explained[of]
        lead = self.gain[of] - float(np.median(self.gain[counts]))
        return np.asarray(
            counts & (self.gain > self.gain[of] - max(FEWEST, _CLEAR * lead, _NOISE * self.weight))
        )


def judge(one: Prepared, others: list[Prepared], poses: Array, noise: float) -> Verdict:
    """Weigh placements of a pass, poses (J,H,4,4) onto each of J others, H placements. ``noise`` is
    the usual distance of two sights of one surface: what lies about on another, like the front of a
    thin body on its back, is not explained by it.
    """
    noise = max(noise, _CLEANEST)
    gain = np.zeros(poses.shape[1])
    weight = np.zeros(poses.shape[1])
    explained = np.zeros((poses.shape[1], len(one.coarse)))
    for other, motions in zip(others, poses, strict=True):
        said, seen = _answers(one, other, motions, noise)
        gain += said
        explained = np.maximum(explained, seen)
        back, met = _answers(other, one, _verify.inverse(motions), noise)
        gain += back
        weight += (seen > 0) @ one.weight + (met > 0) @ other.weight
    return Verdict(
        gain,
        explained @ one.weight / max(float(one.weight.sum()), 1e-9),
        float(weight.max()) / len(others) ** 0.5,
    )


def _answers(a: Prepared, b: Prepared, poses: Array, noise: float) -> tuple[Array, Array]:
    """How much each placement gains by what a's points (N) say against b, and how exactly each of
    them lies on b's surface (H,N), 0..1."""
    like, _, against, apart, index = _verify.look(a, b, poses)
    beside = 1 - np.exp(-0.5 * (apart / (_BESIDE * noise)) ** 2)
    cost = np.where(like, beside, np.where(against, 1.0, np.nan))
    if b.camera is not None and b.camera.outside:
        for k, pose in enumerate(poses):
            gone = b.camera.missed(rigid.apply(pose, a.coarse), rigid.turn(pose, a.coarse_normals))[
                1
            ]
            cost[k, gone & ~like[k]] = 1.0
    known = np.isfinite(cost)
    usual = _middle(cost, known)
    cost = np.where(known, cost, np.minimum(usual, _UNKNOWN))
    gain = (usual - cost) @ a.weight
    return gain + _tones(a, b, like, index), np.where(like, 1 - beside, 0.0)


def _middle(cost: Array, known: NDArray[np.bool_]) -> Array:
    """What a point costs in the middle one of the placements that say something about it; 0 where
    none does."""
    ordered = np.sort(np.where(known, cost, np.inf), axis=0)
    middle = known.sum(0) // 2
    return np.asarray(np.where(known.any(0), ordered[middle, np.arange(cost.shape[1])], 0.0))


def _tones(a: Prepared, b: Prepared, like: NDArray[np.bool_], index: NDArray[np.int32]) -> Array:
    """How much better each placement tells the colours of a's points than the mean of all
    placements does."""
    if a.coarse_colors is None or b.fine_colors is None:
        return np.zeros(len(like))
    met = np.where(like[..., None], b.fine_colors[index], 0.0)
    many = like.sum(0)
    mean = met.sum(0) / np.maximum(many, 1)[:, None]
    usual = ((a.coarse_colors - mean) ** 2).sum(1)
    better = (usual - ((a.coarse_colors - met) ** 2).sum(-1)) / (3 * _TONE * _TONE)
    return np.asarray(np.where(like & (many > 1), np.clip(better, -1, 1), 0.0) @ a.weight)
