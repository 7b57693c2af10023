"""Passes that only colours hold together: those of a body of revolution are turned by the few
degrees that its shape leaves free, all at once, so that the colours of every two agree where they
lie on each other; and those that colours do not hold are found.

What the numbers below come to: benchmarks/bench_ambiguity.py, painted bodies."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _tones
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared
from pipeline.stages.scan._slips import Slip

_REACH, _STEP = (
    6.0,
    1.0,
)  # degrees: how far two passes are turned against each other, in which steps
_SOME = 900  # points of a pass that are asked
_FEWEST = 80  # points that must meet one at all turns
_NEXT = 3  # points whose colours are mixed
_OUTLIER = 0.25  # of full scale: colours that differ more count as that much
_TELLS = 1.1  # times the least difference that the ends must have for it to be a place
_ROUNDS = 2  # of turning all passes together
_HELD = 3.0  # times what a pass needs that colours say for most where they hold them together


def refined(passes: list[Prepared], poses: dict[int, Array], slip: Slip) -> dict[int, Array]:
    """The poses, the first one kept; as they are where colours do not tell."""
    from scipy.spatial import cKDTree

    trees = {k: cKDTree(passes[k].fine) for k in poses if passes[k].fine_colors is not None}
    if len(trees) < 2:
        return poses
    for _ in range(_ROUNDS):
        turns = _solved(passes, poses, slip, trees)
        poses = {k: slip.motion(turns.get(k, 0.0)) @ pose for k, pose in poses.items()}
    return poses


def _solved(
    passes: list[Prepared], poses: dict[int, Array], slip: Slip, trees: dict[int, Any]
) -> dict[int, float]:
    """Degrees for each pass, by least squares over what every two say of each other."""
    order = sorted(trees)
    system, right = np.zeros((len(order), len(order))), np.zeros(len(order))
    for (i, a), (j, b) in itertools.permutations(enumerate(order), 2):
        told = _between(passes[a], passes[b], poses[a], poses[b], slip, trees[b])
        if told is None:
            continue
        turn, weight = told
        system[[i, j], [i, j]] += weight
        system[[i, j], [j, i]] -= weight
        right[i] += weight * turn
        right[j] -= weight * turn
    held = float(np.trace(system))
    if held <= 0:
        return {}
    system[0, 0] += held  # the first one stays
    found = np.linalg.solve(system + 1e-6 * held * np.eye(len(order)), right)
    return {k: float(np.clip(turn, -_REACH, _REACH)) for k, turn in zip(order, found, strict=True)}


def _between(
    a: Prepared, b: Prepared, pose_a: Array, pose_b: Array, slip: Slip, tree: Any
) -> tuple[float, float] | None:
    """By how many degrees a should be turned against b, and how much that weighs; None where their
    colours do not say."""
    assert a.fine_colors is not None
    assert b.fine_colors is not None
    turns = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    motions = rigid.invert(pose_b) @ np.stack([slip.motion(turn) for turn in turns]) @ pose_a
    some = slice(None, None, max(1, len(a.fine) // _SOME))
    normals = rigid.turn(motions, a.fine_normals[some])
    apart, near = tree.query(rigid.apply(motions, a.fine[some]), k=_NEXT, workers=2)
    like = (apart[..., 0] < NEAR) & ((normals * b.fine_normals[near[..., 0]]).sum(-1) > ALIKE)
    both = like.all(0)
    if both.sum() < _FEWEST:
        return None
    weight = 1 / (apart[:, both] + 1e-4)
    met = (b.fine_colors[near[:, both]] * weight[..., None]).sum(-2) / weight.sum(-1)[..., None]
    off = a.fine_colors[some][both] - met
    off = off - np.median(off, axis=1, keepdims=True)  # how bright a pass is does not count
    cost = np.minimum((off * off).sum(-1), _OUTLIER**2).mean(1)
    best = int(cost.argmin())
    if best in (0, len(turns) - 1) or min(cost[0], cost[-1]) < _TELLS * cost[best]:
        return None
    before, here, after = cost[best - 1 : best + 2]
    bend = float(before - 2 * here + after)
    if bend <= 0:
        return None
    shift = 0.5 * float(before - after) / bend
    return float(turns[best] + shift * _STEP), bend * float(both.sum())


def silent(passes: list[Prepared], poses: dict[int, Array], needed: float) -> list[int]:
    """Passes of which fewer than ``needed`` points find their colour's like in the others, less
    those that contradict; none where that goes for most."""
    support = dict.fromkeys(poses, 0.0)
    for a, b in itertools.permutations(poses, 2):
        motion = rigid.invert(poses[b]) @ poses[a]
        said = float(_tones.gain(passes[a], passes[b], motion[None])[0])
        support[a] += said
        support[b] += said
    held = float(np.median(list(support.values()))) >= _HELD * needed
    return [k for k, said in support.items() if held and said < needed]
