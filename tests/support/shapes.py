"""Clouds of plain bodies with their true normals: points (N,3) and the side that was seen (N,3)."""

from __future__ import annotations

import numpy as np

Cloud = tuple[np.ndarray, np.ndarray]


def ball(count: int, radii: tuple[float, float, float] = (1, 1, 1), seed: int = 0) -> Cloud:
    """An ellipsoid around zero, seen from outside."""
    way = np.random.default_rng(seed).normal(size=(count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    steep = way / radii
    return way * radii, steep / np.linalg.norm(steep, axis=1, keepdims=True)


def box(count: int, size: tuple[float, float, float] = (1, 1, 1), seed: int = 0) -> Cloud:
    """A box around zero, seen from outside; points by area."""
    rng, half = np.random.default_rng(seed), np.array(size) / 2
    area = np.array([size[1] * size[2], size[0] * size[2], size[0] * size[1]])
    face, side = rng.choice(3, count, p=area / area.sum()), rng.choice([-1, 1], count)
    points, normals = rng.uniform(-1, 1, (count, 3)) * half, np.zeros((count, 3))
    row = np.arange(count)
    points[row, face], normals[row, face] = side * half[face], side
    return points, normals


def room(count: int, furnished: bool = True) -> Cloud:
    """Six by five metres, seen from inside, with a table and a cupboard or empty."""
    walls, inward = box(count, (6, 5, 2.7))
    parts = [(walls, -inward)]
    if furnished:
        for where, size in (((1, 1, -1), (1.4, 0.7, 0.7)), ((-2, -1.5, -0.45), (0.8, 0.5, 1.8))):
            points, normals = box(count // 10, size)
            parts.append((points + where, normals))
    return np.concatenate([p for p, _ in parts]), np.concatenate([n for _, n in parts])
