"""Joint refinement: all poses of a group at once, point to plane over every overlapping pair."""

from __future__ import annotations

import itertools

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared

# Lengths are shares of the object's size;
# what they come to on real sets: benchmarks/register.py.
STEPS = (0.02, 0.015, 0.012, 0.01, 0.008, 0.008)  # lengths: reach of each step
FAR = (0.04, 0.04, 0.035, 0.03, 0.025)  # the same for passes that may stand a step beside
_MORE = 1.01  # times as much surface must lie on each other after that
_EXACT = 3.0  # times the noise within which two sights of one surface lie
_FEWEST = 30  # pairs of points below which two passes say nothing about each other
_STEP = 0.05  # most that one step turns (radians) or moves (length)
_ANCHOR, _DAMPING = 1e9, 1e-6  # holds the first pass; keeps passes that slide solvable


def refine(
    passes: list[Prepared],
    poses: dict[int, Array],
    reaches: tuple[float, ...] = STEPS,
    kept: bool = False,
) -> dict[int, Array]:
    """Refined poses; ``kept`` whatever comes of it, else only when the median residual between
    overlapping passes shrinks."""
    if len(poses) < 2:
        return poses
    refined = dict(poses)
    for reach in reaches:
        refined = _step(passes, refined, reach)
    if kept or residual(passes, refined) < residual(passes, poses):
        return refined
    return poses


def pulled(passes: list[Prepared], poses: dict[int, Array], noise: float) -> dict[int, Array]:
    """Poses refined, from farther off where that lets more surface lie on each other within the
    ``noise``: what one link holds that slides (two sights of a corner) may stand a step beside, and
    many with it."""
    near = refine(passes, poses)
    far = refine(passes, poses, FAR + STEPS, kept=True)
    return far if _exact(passes, far, noise) > _MORE * _exact(passes, near, noise) else near


def _exact(passes: list[Prepared], poses: dict[int, Array], noise: float) -> int:
    """How many points lie on another pass."""
    total = 0
    for a, b in itertools.permutations(poses, 2):
        apart = _pairs(passes[a], passes[b], _between(poses, a, b), NEAR)[3]
        total += int((np.abs(apart) < _EXACT * noise).sum())
    return total


def residual(passes: list[Prepared], poses: dict[int, Array], reach: float = NEAR) -> float:
    """Median distance between overlapping passes, share of the size."""
    apart = [
        np.abs(residual)
        for a in poses
        for b in poses
        if a != b
        for residual in [_pairs(passes[a], passes[b], _between(poses, a, b), reach)[3]]
    ]
    every = np.concatenate(apart) if apart else np.zeros(0)
    return float(np.median(every)) if len(every) else np.inf


def _between(poses: dict[int, Array], a: int, b: int) -> Array:
    return rigid.invert(poses[b]) @ poses[a]


def _pairs(
    a: Prepared, b: Prepared, pose: Array, reach: float
) -> tuple[Array, Array, Array, Array]:
    """Moved points of a, planes they meet on b, weights, distances to the planes; all in b's frame,
    only pairs within reach."""
    moved, turned = rigid.apply(pose, a.key), rigid.turn(pose, a.key_normals)
    index = b.lookup.query(moved)
    apart = moved - b.fine[index]
    square = (apart * apart).sum(1)
    ok = (index >= 0) & (square < reach * reach) & ((turned * b.fine_normals[index]).sum(1) > ALIKE)
    plane = b.fine_normals[index[ok]]
    residual = (apart[ok] * plane).sum(1)
    return moved[ok], plane, (1 - square[ok] / (reach * reach)) ** 2, residual


def _step(passes: list[Prepared], poses: dict[int, Array], reach: float) -> dict[int, Array]:
    """One Gauss-Newton step over all twists; the first pass stays where it is."""
    order = list(poses)
    many = len(order)
    h, g = np.zeros((6 * many, 6 * many)), np.zeros(6 * many)
    for i, a in enumerate(order):
        for j, b in enumerate(order):
            if i == j:
                continue
            place, plane, weight, residual = _pairs(
                passes[a], passes[b], _between(poses, a, b), reach
            )
            if len(place) < _FEWEST:
                continue
            place, plane = rigid.apply(poses[b], place), rigid.turn(poses[b], plane)
            jacobian = np.concatenate([np.cross(place, plane), plane], 1)
            block, slope = (
                (jacobian * weight[:, None]).T @ jacobian,
                (jacobian * weight[:, None]).T @ residual,
            )
            si, sj = slice(6 * i, 6 * i + 6), slice(6 * j, 6 * j + 6)
            h[si, si] += block
            h[sj, sj] += block
            h[si, sj] -= block
            h[sj, si] -= block
            g[si] += slope
            g[sj] -= slope
    h[:6, :6] += _ANCHOR * np.eye(6)
    h += _DAMPING * np.eye(6 * many)
    twists = np.clip(np.linalg.solve(h, -g), -_STEP, _STEP).reshape(many, 6)
    return {k: rigid.exponential(twist) @ poses[k] for k, twist in zip(order, twists, strict=True)}
