"""Motions that may bring one pass onto another, by pairs of oriented points.

Two points of a surface and their normals have four measures that no motion changes: how far apart
they are, and the three angles between line and normals. A pair of one pass votes for each motion
that brings it onto a pair of like measures of the other (after Drost et al., CVPR 2010). No
neighbourhood is asked, so narrow sights of a thin body, whose features are those of their rims,
vote too. Nothing is random. At size 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _hypotheses, _prepared, _verify
from pipeline.stages.scan._prepared import Prepared

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_CELL = 0.03  # length between points that are paired, and step of their distances
_ANGLES, _TURNS = 12, 30  # steps of half a turn between line and normal; of a turn about a normal
_NEAR = 3  # cells: nearer points say nothing of each other
_TELLS = 0.05  # product of two weights from which a pair votes: two of one plane do not
_STARTS = 60  # points of the moved pass that vote for a motion each
_USUAL = 400  # pairs of one kind that are too many to tell anything
_EACH = 3  # motions that each of these may vote for
_TOGETHER = (15.0, 0.08)  # degrees and length: motions that share their votes


class _Points(NamedTuple):
    """places and normals (N,3), weights (N,), and two directions (N,3) across each normal."""

    places: Array
    normals: Array
    weights: Array
    right: Array
    over: Array


def motions(a: Prepared, b: Prepared, most: int = 24) -> Array:
    """Up to ``most`` distinct motions T_b_a (H,4,4) of pass a onto b, the most voted first."""
    one, two = _points(a), _points(b)
    if len(one.places) > len(two.places):
        return _verify.inverse(_found(two, one, most))
    return _found(one, two, most)


def _points(one: Prepared) -> _Points:
    places, directions = clouds.thin(one.fine, _CELL, one.fine_normals)
    normals = clouds.unit(directions)
    weights = _prepared.weight_of(places, normals, one.coarse, one.coarse_normals)
    upright = np.abs(normals[:, :1]) > 0.9
    right = clouds.unit(np.cross(normals, np.where(upright, [[0.0, 1, 0]], [[1.0, 0, 0]])))
    return _Points(places, normals, weights, right, np.cross(normals, right))


def _found(a: _Points, b: _Points, most: int) -> Array:
    """Each start of a votes by all pairs that it makes: for the point of b that it falls on, and
    the turn about its normal there."""
    kinds, turns, at, worth = _measured(b, np.arange(len(b.places)))
    order = np.argsort(kinds, kind="stable")
    kinds, turns, at, worth = kinds[order], turns[order], at[order], worth[order]
    best = np.sort(np.argsort(-a.weights, kind="stable")[: max(3 * _STARTS, len(a.places) // 2)])
    poses: list[Array] = [np.zeros((0, 4, 4))]
    votes: list[Array] = [np.zeros(0)]
    for start in best[:: max(1, len(best) // _STARTS)]:
        own, turned, _, weight = _measured(a, np.array([start]))
        first = np.searchsorted(kinds, own)
        many = np.searchsorted(kinds, own, side="right") - first
        many[many > _USUAL] = 0
        met = np.repeat(first - np.cumsum(many) + many, many) + np.arange(many.sum())
        turn = (turns[met] - np.repeat(turned, many)) % (2 * np.pi)
        bins = at[met] * _TURNS + np.minimum(turn / (2 * np.pi) * _TURNS, _TURNS - 1).astype(int)
        said = worth[met] * np.repeat(weight / np.sqrt(np.maximum(many, 1)), many)
        count = np.bincount(bins, said, len(b.places) * _TURNS).reshape(-1, _TURNS)
        count = count + 0.5 * (np.roll(count, 1, 1) + np.roll(count, -1, 1))
        top = np.argsort(-count.ravel(), kind="stable")[:_EACH]
        top = top[count.ravel()[top] > 0]
        poses.append(_onto(a, b, int(start), *np.divmod(top, _TURNS)))
        votes.append(np.asarray(count.ravel()[top], float))
    return _most_voted(np.concatenate(poses), np.concatenate(votes), most)


def _measured(
    one: _Points, starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array, NDArray[np.int64], Array]:
    """Of the pairs that each start makes with all points, as far as they tell something: kind,
    angle of the other point about the start's normal, start, weight."""
    line = one.places[None] - one.places[starts, None]
    length = np.linalg.norm(line, axis=-1)
    worth = one.weights[starts, None] * one.weights[None]
    first, second = np.nonzero((length > _NEAR * _CELL) & (worth > _TELLS))
    line, length = line[first, second], length[first, second]
    begin = starts[first]
    along = line / length[:, None]
    kinds = (length / _CELL).astype(np.int64)
    for cosine in (
        rigid.dot(one.normals[begin], along),
        rigid.dot(one.normals[second], along),
        rigid.dot(one.normals[begin], one.normals[second]),
    ):
        step = np.arccos(np.clip(cosine, -1, 1)) / np.pi * _ANGLES
        kinds = kinds * _ANGLES + np.minimum(step, _ANGLES - 1).astype(np.int64)
    turn = np.arctan2(rigid.dot(line, one.over[begin]), rigid.dot(line, one.right[begin]))
    return kinds, turn, begin, worth[first, second]


def _onto(
    a: _Points, b: _Points, start: int, at: NDArray[np.int64], turn: NDArray[np.int64]
) -> Array:
    """The motions (K,4,4) that lay a's start on b's points, turned about their normals."""
    angle = ((turn + 0.5) / _TURNS * 2 * np.pi)[:, None]
    right = np.cos(angle) * b.right[at] + np.sin(angle) * b.over[at]
    over = np.cos(angle) * b.over[at] - np.sin(angle) * b.right[at]
    there = np.stack([right, over, b.normals[at]], -1)
    here = np.stack([a.right[start], a.over[start], a.normals[start]], -1)
    poses = np.tile(np.eye(4), (len(at), 1, 1))
    poses[:, :3, :3] = there @ here.T
    poses[:, :3, 3] = b.places[at] - poses[:, :3, :3] @ a.places[start]
    return poses


def _most_voted(poses: Array, votes: Array, most: int) -> Array:
    """What many starts say, each motion with the votes of those that are about the same."""
    traces = poses[:, :3, :3].reshape(-1, 9) @ poses[:, :3, :3].reshape(-1, 9).T
    apart = np.linalg.norm(poses[:, None, :3, 3] - poses[None, :, :3, 3], axis=-1)
    alike = (traces > 1 + 2 * np.cos(np.radians(_TOGETHER[0]))) & (apart < _TOGETHER[1])
    ranks = np.argsort(np.argsort(alike @ votes, kind="stable"), kind="stable")
    return _hypotheses.distinct(poses, ranks, most)
