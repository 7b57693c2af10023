"""How the surface may run through a cube, by which of its corners lie inside."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]


# Order inside a pair matters: the sign at the first corner decides which way a quad faces.
EDGES = np.array(
    [(0, 1), (1, 5), (4, 5), (0, 4), (2, 3), (3, 7), (6, 7), (2, 6), (2, 0), (3, 1), (7, 5), (6, 4)]
)
FACES = [
    [corner for corner in range(8) if corner >> axis & 1 == side]
    for axis in range(3)
    for side in (0, 1)
]
CORNERS = np.array([(c & 1, c >> 1 & 1, c >> 2 & 1) for c in range(8)])


class Tables(NamedTuple):
    """By case, the set of inside corners as eight bits."""

    patch: Ints  # (256,12): patch of each edge, -1 where it is not crossed
    # (256,): the only ambiguous face where there is exactly one and one patch, else -1
    ambiguous: Ints


@cache
def tables() -> Tables:
    patch, ambiguous = np.full((256, 12), -1), np.full(256, -1)
    for case in range(256):
        inside = [bool(case >> corner & 1) for corner in range(8)]
        groups = _patches(inside)
        for number, group in enumerate(groups):
            patch[case, sorted(group)] = number
        faces = [face for face in range(6) if len(_crossed(face, inside)) == 4]
        if len(faces) == 1 and len(groups) == 1:
            ambiguous[case] = faces[0]
    return Tables(patch, ambiguous)


def _crossed(face: int, inside: list[bool]) -> list[int]:
    return [
        e
        for e, (a, b) in enumerate(EDGES)
        if a in FACES[face] and b in FACES[face] and inside[a] != inside[b]
    ]


def _patches(inside: list[bool]) -> list[set[int]]:
    """Crossed edges of a cube in connected groups. A face with two crossed edges links them; with
    four, the two at each inside corner."""
    groups = [{e} for e, (a, b) in enumerate(EDGES) if inside[a] != inside[b]]
    for face in range(6):
        crossed = _crossed(face, inside)
        links = (
            [set(crossed)]
            if len(crossed) == 2
            else [{e for e in crossed if c in EDGES[e]} for c in FACES[face] if inside[c]]
        )
        for link in filter(None, links):
            joined = [group for group in groups if group & link]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return sorted(groups, key=min)
