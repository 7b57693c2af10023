"""Fills holes: boundary half-edges are chained to simple loops, each loop is closed by triangles
that face as its neighbours do."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.topology import boundary, edges

Array = NDArray[Any]


class Filled(NamedTuple):
    """vertices with the added centres at the end, faces with the patches at the end, how many holes
    were closed and left open."""

    vertices: Array
    faces: Array
    closed: int
    left: int


def fill(vertices: Array, faces: Array, widest: float) -> Filled:
    """Close every hole whose loop fits in a box of diagonal WIDEST. Expects welded, consistently
    oriented faces."""
    rims = loops(boundary(faces))
    taken = _edge_set(faces) if rims else set()
    patches: list[tuple[int, int, int]] = []
    centres: list[Array] = []
    closed = 0
    for loop in rims:
        corners = vertices[loop]
        if len(loop) < 3 or np.linalg.norm(np.ptp(corners, axis=0)) > widest:
            continue
        patch = _clip(loop, corners, taken)
        if patch is None:
            middle = len(vertices) + len(centres)
            centres.append(corners.mean(axis=0))
            patch = [(loop[i], loop[i - 1], middle) for i in range(len(loop))]
        taken |= {frozenset(pair) for a, b, c in patch for pair in ((a, b), (b, c), (c, a))}
        patches += patch
        closed += 1
    if patches:
        faces = np.concatenate([faces, np.array(patches, faces.dtype)])
        vertices = np.concatenate([vertices, np.array(centres).reshape(-1, 3)])
    return Filled(vertices, faces, closed, len(rims) - closed)


def _edge_set(faces: Array) -> set[frozenset[int]]:
    """Edges near a boundary: only those can meet a patch's diagonals."""
    table = edges(faces)
    rim = np.zeros(int(faces.max()) + 1, dtype=bool)
    start, end = faces.ravel(), faces[:, [1, 2, 0]].ravel()
    open_edges = table.uses == 1
    rim[start[open_edges]] = rim[end[open_edges]] = True
    near = rim[start] & rim[end]
    return {frozenset(pair) for pair in zip(start[near].tolist(), end[near].tolist(), strict=True)}


def loops(half_edges: Array) -> list[list[int]]:
    """Simple loops of vertex numbers in the direction of the half-edges; a path that meets itself
    is cut there."""
    ahead: dict[int, list[int]] = {}
    for start, end in sorted(map(tuple, half_edges.tolist()), reverse=True):
        ahead.setdefault(start, []).append(end)
    found = []
    for first in sorted(ahead):
        while ahead[first]:
            path, place = [first], {first: 0}
            while ahead.get(path[-1]):
                step = ahead[path[-1]].pop()
                if step in place:
                    at = place[step]
                    found.append(path[at:])
                    for vertex in path[at + 1 :]:
                        del place[vertex]
                    path = path[: at + 1]
                else:
                    place[step] = len(path)
                    path.append(step)
    return found


def _clip(
    loop: list[int], corners: Array, taken: set[frozenset[int]]
) -> list[tuple[int, int, int]] | None:
    """Triangles that close LOOP by cutting the shortest diagonal first; None where a diagonal would
    be an edge's third face."""
    count = len(loop)
    before, after = [(i - 1) % count for i in range(count)], [(i + 1) % count for i in range(count)]
    alive, patch, own = [True] * count, [], set()

    def ear(i: int) -> tuple[float, int, int, int]:
        return float(np.linalg.norm(corners[before[i]] - corners[after[i]])), i, before[i], after[i]

    heap = [ear(i) for i in range(count)]
    heapq.heapify(heap)
    left = count
    while left > 3 and heap:
        _, i, low, high = heapq.heappop(heap)
        if not alive[i] or before[i] != low or after[i] != high:
            continue
        diagonal = frozenset((loop[low], loop[high]))
        if diagonal in taken or diagonal in own:
            continue
        own.add(diagonal)
        patch.append((loop[high], loop[i], loop[low]))
        alive[i], after[low], before[high], left = False, high, low, left - 1
        heapq.heappush(heap, ear(low))
        heapq.heappush(heap, ear(high))
    if left > 3:
        return None
    i = next(i for i in range(count) if alive[i])
    return [*patch, (loop[after[i]], loop[i], loop[before[i]])]
