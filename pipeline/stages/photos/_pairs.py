"""Which photographs are worth comparing: each with each while they are few; of more, those that a
quick look finds alike, whatever their names are and in whatever order they were taken.

The quick look compares the few features of each photograph that cover most of the picture, which
are also the ones that are found again from elsewhere (Wu, "Towards linear-time incremental
structure from motion", 3DV 2013: preemptive matching)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.stages.photos import _threads

EXHAUSTIVE = 20  # photographs up to which each is compared with each
PARTNERS = 12  # that each of more photographs is compared with, at the least
MANY = 120  # photographs from which on the quick look takes LEAST features of each, not MOST
MOST, LEAST = 600, 300
RATIO = 0.8  # of the distances to the nearest and the next feature, from which it is no match
LENGTH = 512**2  # of a descriptor, squared: pycolmap's are whole numbers


def worth_comparing(names: Sequence[str], database: Path) -> list[tuple[str, str]]:
    """Pairs of NAMES, whose features stand in DATABASE; the same pairs with any number of
    threads, because all that is compared are whole numbers."""
    if len(names) <= EXHAUSTIVE:
        return list(combinations(names, 2))
    chosen = {_sorted(a, b) for a, b in pairwise(names)}
    alike = likeness(_largest(names, database, MOST if len(names) < MANY else LEAST))
    for number, row in enumerate(alike):
        best = np.argsort(-row, kind="stable")[:PARTNERS]
        chosen |= {_sorted(names[number], names[k]) for k in best if row[k] > 0}
    return sorted(chosen)


def likeness(descriptors: Sequence[Any]) -> Any:
    """How many features of one photograph have a match in another (N, N); DESCRIPTORS: (n, 128)
    whole numbers as float32 for each."""
    import torch

    tensors = [torch.from_numpy(one) for one in descriptors]
    count = len(tensors)
    found = np.zeros((count, count), np.int64)

    def one(number: int) -> None:
        for other in range(number + 1, count):
            matches = _matches(tensors[number], tensors[other])
            found[number, other] = found[other, number] = matches

    with _threads.several() as side:
        side.map(one, range(count))
    return found


def _matches(mine: Any, its: Any) -> int:
    import torch

    if min(len(mine), len(its)) < 2:
        return 0
    alike = mine @ its.T
    (best, second), which = (part.T for part in alike.topk(2, 1))
    mutual = alike.argmax(0)[which[0]] == torch.arange(len(mine))
    return int((mutual & (LENGTH - best < RATIO**2 * (LENGTH - second))).sum())


def _largest(names: Sequence[str], database: Path, count: int) -> list[Any]:
    """The descriptors of the COUNT features of each photograph that cover most of it."""
    import pycolmap

    opened = pycolmap.Database.open(database)
    try:
        numbers = {image.name: image.image_id for image in opened.read_all_images()}
        found = []
        for name in names:
            shapes = opened.read_keypoints(numbers[name])[:, 2:]
            descriptors = opened.read_descriptors(numbers[name]).data
            # affine shapes: the area is the determinant
            area = np.abs(shapes[:, 0] * shapes[:, 3] - shapes[:, 1] * shapes[:, 2])
            largest = np.argsort(-area, kind="stable")[:count]
            found.append(descriptors[largest].astype(np.float32))
        return found
    finally:
        opened.close()


def _sorted(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)
