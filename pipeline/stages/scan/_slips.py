"""Motions that a surface does not notice: turns about an axis of revolution, slides along planes
and prisms.

At size 1. What slides along itself cannot be placed by its shape alone: every motion of the family
lays it on the other pass equally.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_SHARE = 0.8  # of the surface that must slide along itself
_ASLANT = 0.12  # sine between surface and motion up to which it does
_STAYS = 0.02  # mean square of the speed across a surface below which that slips
_TURNS = 0.3  # share of a twist that must be turn, and that of a second one must not
_SLIDES = 0.3  # turn (radians per arm) below which a family slides and does not turn
_TURN, _STEP = 10.0, 0.05  # degrees and shares of the size between two members of a family


@dataclass(frozen=True)
class Slip:
    """A turn about the line through ``point`` along ``axis``, or a slide along ``axis``; share = of
    the surface that it leaves in place."""

    turns: bool
    axis: Array
    point: Array
    share: float

    def motion(self, amount: float) -> Array:
        """By so many degrees, or so far."""
        if not self.turns:
            return np.asarray(rigid.exponential(np.r_[np.zeros(3), amount * self.axis]))
        pose = rigid.exponential(np.r_[np.radians(amount) * self.axis, np.zeros(3)])
        pose[:3, 3] = self.point - pose[:3, :3] @ self.point
        return np.asarray(pose)

    def over(self, middle: Array) -> Array:
        """Half a turn that turns the axis round, at the height of ``middle``."""
        at = self.point + ((middle - self.point) @ self.axis) * self.axis
        return Slip(True, np.linalg.svd(self.axis[None])[2][1], at, self.share).motion(180.0)

    def amounts(self) -> Array:
        """The family's members, 0 first."""
        if self.turns:
            return np.asarray(np.arange(0.0, 360.0, _TURN))
        steps = _STEP * np.arange(1, 9)
        return np.asarray(np.r_[0.0, steps, -steps])


def find(points: Array, normals: Array, weights: Array, least: float = _SHARE) -> Slip | None:
    """What the surface (N,3) slides along best, if ``least`` of it does along anything; small parts
    that stand in the way (a handle) do not count."""
    total = float(weights.sum())
    if len(points) < 50 or total <= 0:
        return None
    middle = weights @ points / total
    arm = float(np.sqrt(weights @ ((points - middle) ** 2).sum(1) / total))
    flat = (points - middle) / arm
    rows = np.concatenate([np.cross(flat, normals), normals], 1)
    found = [_steady(rows, flat, weights, start) for start in range(3)]
    twist, share = max(found, key=lambda one: one[1])
    if share < least:
        return None
    turn, shift = twist[:3], twist[3:]
    speed = float(np.linalg.norm(turn))
    if speed < _SLIDES * float(np.linalg.norm(shift)):
        return Slip(False, shift / np.linalg.norm(shift), middle, share)
    return Slip(True, turn / speed, middle + arm * np.cross(turn, shift) / speed**2, share)


def axis_of(points: Array, normals: Array, least: float) -> Slip | None:
    """The one axis about which the surface (N,3) turns, if ``least`` of it does: a vase's, or that
    of a tube, which slides as well; None for what has no axis of its own, like a wall or a ball."""
    slip = find(points, normals, np.ones(len(points)), least)
    if slip is None:
        return None
    stays = _steadily(points, normals, slip) < _ASLANT
    middle = points[stays].mean(0)
    flat = points[stays] - middle
    arm = float(np.sqrt((flat**2).sum(1).mean()))
    rows = np.concatenate([np.cross(flat / arm, normals[stays]), normals[stays]], 1)
    squares, twists = np.linalg.eigh(rows.T @ rows / len(rows))
    free = twists[:, squares < _STAYS].T
    if not 1 <= len(free) <= 2:
        return None
    mixes, turns, _ = np.linalg.svd(free[:, :3], full_matrices=False)
    if turns[0] < _TURNS or turns[1:].sum() > _TURNS:
        return None
    twist = mixes[:, 0] @ free
    turn, shift = twist[:3], twist[3:]
    speed = float(np.linalg.norm(turn))
    point = middle + arm * np.cross(turn, shift) / speed**2
    found = Slip(True, turn / speed, point, 1.0)
    share = float((_steadily(points, normals, found) < _ASLANT).mean())
    return replace(found, share=share) if share >= least else None


def _steadily(points: Array, normals: Array, slip: Slip) -> Array:
    """(N,) how fast the motion takes each point out of the surface; 1 is how fast it moves them."""
    moves = np.cross(slip.axis, points - slip.point) if slip.turns else slip.axis[None]
    usual = float(np.sqrt((moves**2).sum(1).mean()))
    return np.asarray(np.abs((moves * normals).sum(1)) / max(usual, 1e-12))


def _steady(rows: Array, flat: Array, weights: Array, start: int) -> tuple[Array, float]:
    """The twist that moves the least of the surface across itself, from the ``start``-th best by
    squares on; and its share."""
    trust, before, aslant = weights, np.zeros(6), np.zeros(len(rows))
    for step in range(12):
        vectors = np.linalg.eigh((rows * trust[:, None]).T @ rows)[1][:, :3]
        if step == 0:
            twist = vectors[:, start]
        elif step < 4:  # stay with the family that this search began with
            near = vectors @ (vectors.T @ before)
            twist = near / max(float(np.linalg.norm(near)), 1e-12)
        else:
            twist = vectors[:, 0]
        before = twist
        speed = np.linalg.norm(np.cross(twist[:3], flat) + twist[3:], axis=1)
        usual = max(float(np.sqrt(weights @ speed**2 / weights.sum())), 1e-12)
        aslant = np.abs(rows @ twist) / usual
        trust = weights / (1 + (aslant / _ASLANT) ** 2) ** 2
    return before, float(weights[aslant < _ASLANT].sum() / weights.sum())
