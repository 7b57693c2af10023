"""Links between two passes: motions guessed from features, refined, weighed, the best few kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _hypotheses, _tones, _verify, _walls
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._verify import Evidence

# Lengths are shares of the object's size. What halving and doubling each costs:
# benchmarks/constants.py.
FEWEST = 0.02  # score below which a motion is forgotten
TRUSTY = 0.25  # score from which a link's residual tells the scanner's noise
_PAIRS = 3  # pairs of passes that trusty links must join before they alone tell it
WIDER = 0.8  # times the usual residual by which one may be wider before its link counts for 60 %
COARSE_STEPS = (0.04, 0.04, 0.03, 0.03, 0.02, 0.02)  # lengths: reach of each step of refinement
FINE_STEPS = (0.015, 0.015, 0.01, 0.01)  # the same at the finer resolution, after that
_SAME = (5.0, 0.03)  # degrees and length: motions nearer than that are told as one
_APART = (3.0, 0.015)  # degrees and length: motions nearer than that are refined once


@dataclass(frozen=True)
class PairLink:
    """A motion of pass a (index) onto pass b, with what speaks for it. pose (4,4): T_b_a at size 1,
    it takes points of a into b's frame."""

    a: int
    b: int
    pose: Array
    evidence: Evidence
    method: str
    declared: bool = False  # their files put both passes there
    fit: float = 1.0  # how its residual compares with the other links' of this drop, 0..1
    told: bool = False  # a person told that the two were taken one after the other
    loose: bool = False  # the two passes together slip on themselves: it holds in one way only

    @property
    def score(self) -> float:
        return self.evidence.score * self.fit


def compare(links: list[PairLink]) -> list[PairLink]:
    """Judge each residual by those of the trusty links: what two scans of one surface leave between
    them is the scanner's noise."""
    trusty = [link for link in links if link.evidence.score > TRUSTY] or links
    if not links:
        return links
    usual = noise_of(trusty)
    if len({(link.a, link.b) for link in trusty}) < _PAIRS:
        # a false link that few stand beside must not be the measure of itself
        half = [link for link in links if link.evidence.score > TRUSTY / 2] or links
        usual = min(usual, *(link.evidence.residual for link in half))
    return [replace(link, fit=fit_of(link.evidence.residual, usual)) for link in links]


def fit_of(residual: float, usual: float) -> float:
    """What a residual that is wider than the usual leaves of a score, 0..1."""
    wider = max(0.0, residual / max(usual, 1e-12) - 1) / WIDER
    return float(np.exp(-0.5 * wider**2))


def noise_of(links: list[PairLink]) -> float:
    """What two scans of one surface leave between them: the residual below which a third of all
    votes lies, good links having most. Two passes are one voter, however many motions were found
    for them: all but one of those are false."""
    best: dict[tuple[int, int], PairLink] = {}
    for link in sorted(links, key=lambda link: link.evidence.score):
        best[link.a, link.b] = link
    ordered = sorted(best.values(), key=lambda link: link.evidence.residual)
    votes = np.cumsum([link.evidence.score**2 for link in ordered])
    return ordered[int(np.searchsorted(votes, votes[-1] / 3))].evidence.residual


def between(
    a: int,
    b: int,
    passes: list[Prepared],
    given: Array | None = None,
    scene: bool = False,
    keep: int = 3,
) -> list[PairLink]:
    """Up to ``keep`` distinct motions of pass a onto pass b, the best first; ``given`` is tried
    beside those that features suggest, and those of walls onto walls where it is a ``scene``."""
    poses = _hypotheses.motions(passes[a], passes[b])
    if scene:
        poses = np.concatenate([poses, _walls.motions(passes[a], passes[b])])
    if given is None:
        return refined(a, b, passes, poses, "features", keep)
    found = refined(a, b, passes, np.concatenate([given[None], poses]), "features", keep)
    return [replace(link, method="given") if agree(link.pose, given) else link for link in found]


def refined(
    a: int, b: int, passes: list[Prepared], poses: Array, method: str, keep: int = 3
) -> list[PairLink]:
    """Refine motions coarsely, the better ones finely; what is left after weighing and dropping
    repeats."""
    if not len(poses):
        return []
    one, two = passes[a], passes[b]
    poses = _verify.refine(one, two, poses, COARSE_STEPS)
    poses = _best(poses, _worth(one, two, poses, _verify.weigh(one, two, poses)), 2 * keep)
    poses = _verify.refine(one, two, poses, FINE_STEPS, dense=True)
    evidence = _verify.weigh(one, two, poses)
    worth = _worth(one, two, poses, evidence)
    order = sorted(range(len(poses)), key=lambda k: -worth[k])
    return [
        PairLink(a, b, poses[k], evidence[k], method) for k in order if evidence[k].score > FEWEST
    ][:keep]


def _worth(a: Prepared, b: Prepared, poses: Array, evidence: list[Evidence]) -> Array:
    """The scores (H,); those of motions that lay clashing colours on each other come last."""
    scores = np.array([one.score for one in evidence])
    for k in np.flatnonzero(scores > FEWEST):
        if _tones.clash(a, b, poses[k]):
            scores[k] *= FEWEST
    return scores


def _best(poses: Array, scores: Array, most: int) -> Array:
    ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    return _hypotheses.distinct(poses, ranks, most, *_APART)


def agree(first: Array, second: Array, degrees: float = _SAME[0], shift: float = _SAME[1]) -> bool:
    """Whether two motions of one body (at size 1, centred) are the same."""
    angle, apart = rigid.difference(first, second, np.zeros(3))
    return angle < degrees and apart < shift


def by_likeness(passes: list[Prepared]) -> Iterator[tuple[int, int]]:
    """All pairs, those whose features resemble each other most first."""
    sampled = [
        np.sqrt(np.maximum(one.features[:: max(1, len(one.features) // 300)], 0)) for one in passes
    ]
    whole = [np.sqrt(np.maximum(one.features, 0)) for one in passes]
    apart = {}
    for a in range(len(passes)):
        for b in range(a + 1, len(passes)):
            apart[a, b] = min(_apart(sampled[a], whole[b]), _apart(sampled[b], whole[a]))
    yield from sorted(apart, key=lambda pair: (apart[pair], pair))


def _apart(some: Array, others: Array) -> float:
    square = (some * some).sum(1)[:, None] + (others * others).sum(1)[None] - 2 * some @ others.T
    return float(np.median(square.min(1)))
