"""Which points of a surface become latent tokens when it is encoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWN = 4  # candidates for each token


def candidates(count: int, tokens: int, seed: int) -> NDArray[np.int64]:
    """Indices of DRAWN·TOKENS of COUNT points, each at most once where there are enough."""
    most = DRAWN * tokens
    return np.random.default_rng(seed).choice(count, most, replace=most > count)


def farthest(points: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Indices of COUNT of the points (N,3), spread out: the first, then always the one farthest
    from those that are chosen; of several the first."""
    chosen = np.zeros(count, np.int64)
    nearest = np.full(len(points), np.inf, points.dtype)
    for k in range(1, count):
        squares = ((points - points[chosen[k - 1]]) ** 2).sum(axis=1)
        nearest = np.minimum(nearest, squares)
        chosen[k] = np.argmax(nearest)
    return chosen
