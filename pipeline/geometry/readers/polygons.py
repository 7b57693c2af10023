"""Polygons into triangles, as polygons: one that is not convex keeps its notch, whatever corner it
begins at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def triangulate(points: Array, counts: Array) -> tuple[Array, Array]:
    """POINTS (N,3) are the corners of polygons with COUNTS (P,) corners each, one after another.
    Returns triangles (T,3) as positions in POINTS, in the order of the polygons, and the polygon of
    each (T,). Polygons of fewer than 3 corners give none."""
    if len(counts) and (counts == 3).all():
        return np.arange(3 * len(counts)).reshape(-1, 3), np.arange(len(counts))
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1].astype(np.int64)
    made, owners = [], []
    for size in np.unique(counts):
        which = np.flatnonzero(counts == size)
        if size < 3:
            continue
        slots = starts[which][:, None] + np.arange(size)
        triangles = (
            slots[:, None]
            if size == 3
            else _quads(points, slots)
            if size == 4
            else _larger(points, slots)
        )
        made.append(triangles.reshape(-1, 3))
        owners.append(np.repeat(which, size - 2))
    if not made:
        return np.zeros((0, 3), np.int64), np.zeros(0, np.int64)
    triangles, owner = np.concatenate(made), np.concatenate(owners)
    if len(made) > 1:
        order = np.argsort(owner, kind="stable")
        triangles, owner = triangles[order], owner[order]
    return triangles, owner


def _quads(points: Array, slots: Array) -> Array:
    """Cut between corners 0 and 2, or between 1 and 3 where the first cut would turn a triangle
    over."""
    a, b, c, d = (points[slots[:, k]] for k in range(4))
    first = np.einsum("ij,ij->i", np.cross(b - a, c - a), np.cross(c - a, d - a))
    second = np.einsum("ij,ij->i", np.cross(b - a, d - a), np.cross(c - b, d - b))
    other = (first <= 0) & (second > first)
    cut = np.where(other[:, None], [0, 1, 3, 1, 2, 3], [0, 1, 2, 0, 2, 3])
    return np.asarray(np.take_along_axis(slots, cut, axis=1))


def _larger(points: Array, slots: Array) -> Array:
    """Fans where every triangle of one looks the way the polygon does; ears cut one by one where
    not."""
    size = slots.shape[1]
    fan = np.stack(
        [np.zeros(size - 2, np.int64), np.arange(1, size - 1), np.arange(2, size)], axis=1
    )
    made = slots[:, fan]
    block = max(1, (1 << 20) // size)
    for start in range(0, len(slots), block):
        part = slots[start : start + block]
        place = points[part] - points[part[:, :1]]
        each = np.cross(place[:, 1:-1], place[:, 2:])
        normal = each.sum(axis=1)
        length = np.linalg.norm(normal, axis=1)
        along = np.einsum("pki,pi->pk", each, normal)
        for odd in np.flatnonzero((along <= 1e-9 * (length**2)[:, None]).any(axis=1)):
            if length[odd] > 0:
                made[start + odd] = part[odd][_ears(place[odd], normal[odd] / length[odd])]
    return made


def _ears(place: Array, normal: Array) -> Array:
    """Triangles (K-2,3) of one flat polygon (K,3) by cutting off its most regular free ear, again
    and again."""
    across = np.eye(3)[np.argmin(np.abs(normal))]
    x = np.cross(across, normal)
    x /= np.linalg.norm(x)
    flat = np.stack([place @ x, place @ np.cross(normal, x)], axis=1)
    left, made = list(range(len(flat))), []
    while len(left) > 3:
        at = _ear(flat[left])
        made.append((left[at - 1], left[at], left[(at + 1) % len(left)]))
        del left[at]
    return np.array([*made, tuple(left)])


def _ear(ring: Array) -> int:
    """Position of a corner whose triangle holds no other corner: the fattest such one, so that no
    sliver is left for last."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    area = _cross(ring - before, after - ring)
    span = np.maximum(
        ((after - before) ** 2).sum(1),
        np.maximum(((ring - before) ** 2).sum(1), ((after - ring) ** 2).sum(1)),
    )
    order = np.argsort(-(area / np.maximum(span, 1e-300)), kind="stable")
    for at in order:
        if area[at] <= 0:
            break
        a, b, c = before[at], ring[at], after[at]
        inside = (
            (_cross(b - a, ring - a) >= 0)
            & (_cross(c - b, ring - b) >= 0)
            & (_cross(a - c, ring - c) >= 0)
        )
        same = (ring == a).all(1) | (ring == b).all(1) | (ring == c).all(1)
        if not (inside & ~same).any():
            return int(at)
    return int(order[0])


def _cross(a: Array, b: Array) -> Array:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
