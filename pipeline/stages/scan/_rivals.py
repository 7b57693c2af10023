"""A group whose body fits onto itself: which of the places that this allows does each pass stand
in? At size 1.

Only what falls beside the body in other places tells them apart: a handle, a mark, a colour. For
each two passes this evidence is weighed once per motion of the symmetry; then the passes come
together again, what is decided most clearly first, every later step with all the evidence of those
that are together by then. A step that nothing decides is told by the passes that it moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _by_colour, _marks
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._marks import FEWEST
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._sequence import Told
from pipeline.stages.scan._slips import Slip
from pipeline.stages.scan._symmetry import Symmetry

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_FINER = ((12.0, 3.0), (8.0, 2.0), (3.0, 1.0))  # degrees: how far, in which steps
_CLEAR = 0.2  # share of all that was said that must separate the best place from the next …
_SLOPE = 0.05  # … and from what lies a small turn beside it, where a broad mark still half fits


@dataclass
class _Part:
    """Passes whose places relative to each other are settled: pass → index of its motion."""

    labels: dict[int, int]
    ways: dict[int, tuple[float, ...]] = field(default_factory=dict)

    @property
    def key(self) -> frozenset[int]:
        return frozenset(self.labels)


@dataclass(frozen=True)
class _Step:
    """How one part could join another: moved by the motion ``best``; those that nothing rules
    out."""

    margin: float
    best: int
    rivals: NDArray[np.bool_]


def choose(passes: list[Prepared], group: Group, symmetry: Symmetry, told: Told) -> Symmetry | None:
    """Move each pass of the group to where the rest, and what a person told, speaks for it among
    the motions of the symmetry; where nothing speaks, its ways are told. Returns what is left of
    the symmetry once the cameras have been asked."""
    looks = _marks.looks(passes, group.poses, symmetry)
    marks, gone = _marks.of_passes(passes, group.poses, symmetry, looks)
    if gone.any():
        left = symmetry.without(gone)
        if left is None:
            return None
        symmetry, marks = left, {k: told_by[~gone] for k, told_by in marks.items()}
    gains = _marks.gains(passes, group.poses, symmetry, marks)
    ends = []
    for direction in told.directions:
        every = {
            (a, b): gain + told.gain(a, b, looks, symmetry, direction)
            for (a, b), gain in gains.items()
        }
        end = _assembled(group, every, looks, symmetry)
        ends.append((end, _gain_of(end, every, symmetry)))
    (best, most), *others = sorted(ends, key=lambda end: -end[1])
    if others and others[0][1] > most - FEWEST:  # the table may have turned the other way
        _told_both(best, others[0][0], symmetry)
    for k, label in best.labels.items():
        group.poses[k] = symmetry.motions[label] @ group.poses[k]
    group.ways |= best.ways
    if symmetry.slip is not None and symmetry.slip.turns:
        _finer(passes, group, symmetry, symmetry.slip, marks)
    _told_silent(passes, group, symmetry)
    return symmetry


def _assembled(
    group: Group, gains: dict[tuple[int, int], Array], looks: dict[int, Array], symmetry: Symmetry
) -> _Part:
    """All passes in one part, what is decided most clearly joined first."""
    parts = [_Part({k: 0}) for k in sorted(group.poses)]
    steps: dict[tuple[frozenset[int], frozenset[int]], _Step] = {}
    while len(parts) > 1:
        pairs = [
            (a, b) for a in parts for b in parts if a is not b and len(a.labels) <= len(b.labels)
        ]
        for away, home in pairs:
            if (key := (away.key, home.key)) not in steps:
                steps[key] = _step(away, home, gains, symmetry)
        clear = [pair for pair in pairs if steps[pair[0].key, pair[1].key].margin >= 1]
        most = max(len(part.labels) for part in parts)  # what nothing decides joins the largest
        away, home = max(
            clear or [pair for pair in pairs if len(pair[1].labels) == most],
            key=lambda pair: _settled(steps[pair[0].key, pair[1].key]),
        )
        step = steps[away.key, home.key]
        best = _farthest(away, home, step, looks, symmetry) if step.rivals.any() else step.best
        parts = [part for part in parts if part is not away and part is not home]
        parts.append(_joined(away, home, best, step, symmetry))
    return parts[0]


def _settled(step: _Step) -> tuple[int, float]:
    """How far a step is decided: by the fewest rivals, then by the margin."""
    return -int(step.rivals.sum()), step.margin


def _gain_of(part: _Part, gains: dict[tuple[int, int], Array], symmetry: Symmetry) -> float:
    """What speaks for all its places together."""
    return sum(
        float(gains[a, b][symmetry.product[symmetry.back[part.labels[b]], part.labels[a]]])
        for a in part.labels
        for b in part.labels
        if a < b
    )


def _told_both(best: _Part, other: _Part, symmetry: Symmetry) -> None:
    """Passes that stand elsewhere where the table turned the other way tell that place too."""
    first = min(best.labels)
    back = symmetry.product[symmetry.back[best.labels[first]]]
    turned = symmetry.product[symmetry.back[other.labels[first]]]
    for k in best.labels:
        here, there = int(back[best.labels[k]]), int(turned[other.labels[k]])
        if not symmetry.same(here)[there]:
            best.ways.setdefault(k, (_in_words(symmetry.apart(here, there)),))


def _finer(
    passes: list[Prepared], group: Group, symmetry: Symmetry, slip: Slip, marks: dict[int, Array]
) -> None:
    """Turn each pass by the few degrees that its marks and colours speak for: shape does not hold
    it."""
    for reach, step in _FINER:
        turns = np.stack([slip.motion(turn) for turn in np.arange(-reach, reach + 0.5, step)])
        told = {k: np.tile(mark[0], (len(turns), 1)) for k, mark in marks.items()}
        for k in sorted(group.poses)[1:]:
            gain = np.zeros(len(turns))
            for j, pose in group.poses.items():
                if j != k:
                    motions = rigid.invert(pose) @ turns @ group.poses[k]
                    gain += _marks.said_by(passes[k], passes[j], motions, told[k], told[j])
            if np.ptp(gain) > FEWEST / 2:
                group.poses[k] = turns[int(gain.argmax())] @ group.poses[k]


def _told_silent(passes: list[Prepared], group: Group, symmetry: Symmetry) -> None:
    """A pass of whose colours none finds its like stands there only because the other places are
    worse: its ways are told."""
    others = np.flatnonzero(~symmetry.same(0))
    ways = tuple(sorted({_in_words(symmetry.apart(int(k), 0)) for k in others}))
    for k in _by_colour.silent(passes, group.poses, FEWEST) if ways else ():
        group.ways.setdefault(k, ways)


def _joined(away: _Part, home: _Part, best: int, step: _Step, symmetry: Symmetry) -> _Part:
    labels = home.labels | {
        k: int(symmetry.product[best, label]) for k, label in away.labels.items()
    }
    ways = home.ways | away.ways
    if step.rivals.any():
        others = np.flatnonzero((step.rivals | symmetry.same(step.best)) & ~symmetry.same(best))
        told = {_in_words(symmetry.apart(int(k), best)) for k in others}
        ways |= dict.fromkeys(away.labels, tuple(sorted(told)))
    return _Part(labels, ways)


def _in_words(apart: tuple[float, float]) -> float:
    """Whole degrees, or a share of the size where it is a slide."""
    return float(round(apart[0])) if apart[0] > 5 else round(apart[1], 2)


def _step(
    away: _Part, home: _Part, gains: dict[tuple[int, int], Array], symmetry: Symmetry
) -> _Step:
    """All evidence between two parts, for each motion of the first."""
    every = np.arange(len(symmetry.motions))
    gain, asked = np.zeros(len(every)), 0
    for a, label_a in away.labels.items():
        for b, label_b in home.labels.items():
            if b in home.ways and len(home.ways) < len(home.labels):
                continue  # nobody knows that it stands there
            first = symmetry.product[every, label_a]
            index = np.where(first < 0, -1, symmetry.product[symmetry.back[label_b], first])
            said, asked = gains[a, b], asked + 1
            gain += np.where(index < 0, said.min(), said[index])
    best = int(gain.argmax())
    other = ~symmetry.same(best)
    lead = float(gain[best] - np.median(gain))
    clear = np.where(symmetry.beside(best), _SLOPE, _CLEAR)
    by_chance = FEWEST * max(asked, 1) ** 0.5
    margins = (gain[best] - gain) / np.maximum(by_chance, clear * lead)
    margin = float(margins[other].min()) if other.any() else np.inf
    return _Step(margin, best, other & (margins < 1))


def _farthest(
    away: _Part, home: _Part, step: _Step, looks: dict[int, Array], symmetry: Symmetry
) -> int:
    """Of the motions that nothing rules out, the one that brings the part's cameras farthest from
    the others: nobody scans one side again and again."""
    fixed = np.stack(
        [symmetry.motions[label][:3, :3] @ looks[k] for k, label in home.labels.items()]
    )
    allowed = [
        k
        for k in np.flatnonzero(step.rivals | (np.arange(len(step.rivals)) == step.best))
        if all(symmetry.product[k, label] >= 0 for label in away.labels.values())
    ]
    nearest = []
    for k in allowed:
        moved = np.stack([
            symmetry.motions[int(symmetry.product[k, label])][:3, :3] @ looks[j]
            for j, label in away.labels.items()
        ])  # fmt: skip
        nearest.append(float((moved @ fixed.T).max()))
    return int(allowed[int(np.argmin(nearest))]) if allowed else step.best
