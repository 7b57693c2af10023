"""Rigid motions that may bring one pass onto another: feature matches that agree with each other in
length and angle.

Matches of FPFH features are mostly wrong, but right ones agree pairwise: distances, and angles of
the oriented normals to each other and to the connecting line, are the same in both passes. Counting
common supporters (second-order compatibility, after SC2-PCR) separates them without any random
draw, so the same input always gives the same motions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._prepared import FEATURE, Prepared

# Lengths are shares of the object's size. What halving and doubling each costs:
# benchmarks/constants.py.
_MATCHES = 1600  # pairs of feature points that are compared with each other
# Matches, the best supported, of which each becomes a motion, and how often more are taken: those
# of one time may all say the same, such as the plate under a body
_SEEDS, _ROUNDS = 24, 8
_GROUP = 24  # others that support a match best, which make its motion with it
LENGTH = FEATURE  # length: how far the distances of two matches may differ in the two passes
ANGLE = 0.3  # cosine: how far their normals' angles may
MUTUAL = 0.5  # times its distance that a match counts which is nearest both ways
_SHORT = 3 * FEATURE  # length: matches nearer than that to each other tell no angle
# lengths: reach of a motion to its matches, while it is fitted to them and at the end
_FITTED, _FOLLOWED = (3 * FEATURE, 2 * FEATURE), 1.5 * FEATURE
_ALIKE = 0.7  # cosine between the normals of a match that follows a motion
_DISTINCT = (8.0, 0.04)  # degrees and length: motions nearer than that are one


def motions(a: Prepared, b: Prepared, most: int = 24) -> Array:
    """Up to ``most`` distinct motions T_b_a (H,4,4) of pass a onto b, the best supported first."""
    at_a, at_b = matches(a.features, b.features)
    p, q, n, m = a.key[at_a], b.key[at_b], a.key_normals[at_a], b.key_normals[at_b]
    agree = _compatible(p, q, n, m)
    support = agree * (agree @ agree.T)  # symmetric: half the work, when told so
    left, found = np.ones(len(p), np.float32), []
    for _ in range(_ROUNDS):
        strength = left * (support @ left)
        seeds = np.argsort(-strength, kind="stable")[:_SEEDS]
        seeds = seeds[strength[seeds] > 0]
        if not len(seeds):
            break
        others = support[seeds] * left
        group = np.argsort(-others, axis=1, kind="stable")[:, :_GROUP]
        weights = np.take_along_axis(others, group, 1).astype(np.float64)
        poses, follow = _polish(rigid.fit(p[group], q[group], weights), p, q, n, m)
        found.append((poses, follow.sum(1)))
        left[follow.any(0)] = left[seeds] = 0  # what is explained suggests no other motion
    if not found:
        return np.zeros((0, 4, 4))
    poses, votes = (np.concatenate(part) for part in zip(*found, strict=True))
    return distinct(poses, votes, most)


def matches(
    a: NDArray[np.float32], b: NDArray[np.float32], most: int = _MATCHES
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index pairs of feature matches, nearest both ways first, then nearest one way, the clearest
    first."""
    # Hellinger distance: histograms compare better by roots
    a, b = np.sqrt(np.maximum(a, 0)), np.sqrt(np.maximum(b, 0))
    apart = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
    to_b, to_a = apart.argmin(1), apart.argmin(0)
    pairs_a, pairs_b = np.r_[np.arange(len(a)), to_a], np.r_[to_b, np.arange(len(b))]
    mutual = (to_a[pairs_b] == pairs_a) & (to_b[pairs_a] == pairs_b)
    distance = apart[pairs_a, pairs_b] * np.where(mutual, MUTUAL, 1.0)
    _, first = np.unique(pairs_a.astype(np.int64) * len(b) + pairs_b, return_index=True)
    order = first[np.argsort(distance[first], kind="stable")][:most]
    return pairs_a[order], pairs_b[order]


def _compatible(p: Array, q: Array, n: Array, m: Array) -> NDArray[np.float32]:
    """1 where two matches could belong to one motion, else 0: (K,K) float32, zero diagonal."""
    p, q, n, m = (np.asarray(x, np.float32) for x in (p, q, n, m))  # type: ignore[assignment]
    dp, dq = _lengths(p), _lengths(q)
    fine = (np.abs(dp - dq) < LENGTH) & (dp > _SHORT) & (dq > _SHORT)
    fine &= np.abs(n @ n.T - m @ m.T) < ANGLE
    slope = (n @ p.T - (n * p).sum(1)[:, None]) / np.maximum(dp, 1e-6)
    slope -= (m @ q.T - (m * q).sum(1)[:, None]) / np.maximum(dq, 1e-6)
    fine &= np.abs(slope) < ANGLE
    fine &= fine.T
    return np.asarray(fine, np.float32)


def _lengths(p: NDArray[Any]) -> NDArray[Any]:
    square = (p * p).sum(1)
    apart = p @ (-2 * p.T)
    apart += square[:, None]
    apart += square[None]
    return np.asarray(np.sqrt(np.maximum(apart, 0, out=apart), out=apart))


def _polish(
    poses: Array, p: Array, q: Array, n: Array, m: Array
) -> tuple[Array, NDArray[np.bool_]]:
    """Refit each motion to all matches that follow it; returns which do (H,K)."""
    for reach in _FITTED:
        follow = _follow(poses, p, q, n, m, reach)
        many = follow.sum(1) >= 3
        poses = np.where(many[:, None, None], _refit(follow, p, q), poses)
    return poses, _follow(poses, p, q, n, m, _FOLLOWED)


def _follow(
    poses: Array, p: Array, q: Array, n: Array, m: Array, reach: float
) -> NDArray[np.bool_]:
    off = rigid.apply(poses, p) - q
    near = rigid.dot(off, off) < reach * reach
    return np.asarray(near & (rigid.dot(rigid.turn(poses, n), m) > _ALIKE))


def _refit(follow: NDArray[np.bool_], p: Array, q: Array) -> Array:
    """Weighted rigid.fit with one match list and a row of weights per motion, by moments (no
    (H,K,3) arrays)."""
    w = follow / np.maximum(follow.sum(1, keepdims=True), 1)
    ca, cb = w @ p, w @ q
    outer = (p[:, :, None] * q[:, None, :]).reshape(len(p), 9)
    h = (w @ outer).reshape(-1, 3, 3) - ca[:, :, None] * cb[:, None, :]
    return rigid.from_moments(h, ca, cb)


def distinct(
    poses: Array,
    votes: NDArray[np.int64],
    most: int,
    angle: float = _DISTINCT[0],
    shift: float = _DISTINCT[1],
) -> Array:
    """The most voted poses that differ from every better one by more than ``angle`` degrees or
    ``shift``."""
    kept: list[int] = []
    for k in np.argsort(-votes, kind="stable"):
        turned = np.swapaxes(poses[kept, :3, :3], 1, 2) @ poses[k, :3, :3]
        near = np.trace(turned, axis1=1, axis2=2) > 1 + 2 * np.cos(np.radians(angle))
        near &= np.linalg.norm(poses[kept, :3, 3] - poses[k, :3, 3], axis=1) < shift
        if not near.any():
            kept.append(int(k))
        if len(kept) == most:
            break
    return poses[kept]
