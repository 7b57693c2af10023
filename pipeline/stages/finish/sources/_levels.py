"""How bright and how sharp photographs are beside each other, told by points that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ROUNDS, LEAP = 20, 0.25  # of the fit; the largest error that counts in full, in natural logarithms
PATCH = 2  # pixels around a point whose colours are its own
DARKEST = 1e-3  # linear light below which nothing can be compared


def levels(images: Sequence[Array], seen: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """For each of IMAGES (H,W,3 uint8), where SEEN tells (points, pixels (N,2)): the logarithm by
    which it is brighter than the others, for each channel of linear light (P,3), and by which its
    details are stronger (P,)."""
    from pipeline.geometry.colour import to_linear

    points, photos, light, detail = [], [], [], []
    for number, (image, (which, pixels)) in enumerate(zip(images, seen, strict=True)):
        patches = _patches(image, pixels)
        linear = to_linear(patches).reshape(len(pixels), -1, 3)
        points.append(which)
        photos.append(np.full(len(which), number))
        light.append(np.log(np.maximum(linear.mean(1), DARKEST)))
        gray = patches.reshape(len(pixels), -1, 3).mean(2)
        detail.append(np.log((gray.std(1) + 1) / (gray.mean(1) + 8)))
    who, what = np.concatenate(photos), np.concatenate(points)
    values = np.concatenate([np.concatenate(light), np.concatenate(detail)[:, None]], axis=1)
    found = np.stack([_effects(who, what, column, len(images)) for column in values.T], axis=1)
    return found[:, :3], found[:, 3]


def _patches(image: Array, pixels: Array) -> Array:
    """(N, 2 PATCH + 1, 2 PATCH + 1, 3) around PIXELS."""
    height, width = image.shape[:2]
    x = np.clip(np.rint(pixels[:, 0]).astype(int), PATCH, width - 1 - PATCH)
    y = np.clip(np.rint(pixels[:, 1]).astype(int), PATCH, height - 1 - PATCH)
    step = np.arange(-PATCH, PATCH + 1)
    return np.asarray(image[(y[:, None, None] + step[:, None]), (x[:, None, None] + step)])


def _effects(who: Array, what: Array, values: Array, count: int) -> Array:
    """What each photograph adds to the values of all points it sees, robustly; 0 on average."""
    effect, seen = np.zeros(count), np.maximum(np.bincount(who, minlength=count), 1)
    often = np.maximum(np.bincount(what), 1)
    for _ in range(ROUNDS):
        point = np.bincount(what, values - effect[who]) / often
        rest = np.clip(values - point[what] - effect[who], -LEAP, LEAP)
        effect += np.bincount(who, rest, count) / seen
        effect -= effect.mean()
    return effect
