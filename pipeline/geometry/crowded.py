"""Edges with three or more faces: where surfaces touch along a line, where something was stuck onto
a solid.

A patch is what hangs together across edges of exactly two faces; it is closed where it has no open
edge of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.topology import Edges, edges, face_normals, pairs

Array = NDArray[Any]


def patches(faces: Array, table: Edges) -> tuple[Array, Array]:
    """(the patch of each face (F,), whether each patch is closed (P,))."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = pairs(table)
    graph = coo_matrix(
        (np.ones(len(first), dtype=bool), (first // 3, second // 3)), shape=(len(faces),) * 2
    )
    count, patch = connected_components(graph, directed=False)
    closed = np.ones(count, dtype=bool)
    closed[patch[np.flatnonzero(table.uses == 1) // 3]] = False
    return patch, closed


def fins(faces: Array) -> Array:
    """Mask (F,) of patches that are only stuck onto a closed one: open, and every face of them at
    an edge that the closed one has."""
    table = edges(faces)
    fin = np.zeros(len(faces), dtype=bool)
    crowded = np.flatnonzero(table.uses > 2)
    if not len(crowded):
        return fin
    patch, closed = patches(faces, table)
    held = (
        np.bincount(
            table.key[crowded],
            weights=closed[patch[crowded // 3]],
            minlength=int(table.key.max()) + 1,
        )
        >= 2
    )
    fin[crowded[held[table.key[crowded]]] // 3] = True
    loose = np.ones(len(closed), dtype=bool)
    loose[patch[~fin]] = False
    return np.asarray((loose & ~closed)[patch])


def told_apart(faces: Array) -> Edges:
    """The half-edges, where closed patches that touch along an edge do not share it any more, nor
    do open ones with them.

    Only where each closed patch there has one half-edge either way; other crowded edges stay as
    they are.
    """
    table = edges(faces)
    crowded = np.flatnonzero(table.uses > 2)
    if not len(crowded):
        return table
    patch, closed = patches(faces, table)
    owner, key = patch[crowded // 3], table.key[crowded]
    _, group, count = np.unique(key * len(closed) + owner, return_inverse=True, return_counts=True)
    sound = (count == 2) & (np.bincount(group, weights=table.forward[crowded]) == 1)
    keys = int(table.key.max()) + 1
    some = np.bincount(key, weights=closed[owner] & sound[group], minlength=keys) > 0
    none_bad = np.bincount(key, weights=closed[owner] & ~sound[group], minlength=keys) == 0
    apart = (some & none_bad)[key]
    again = table.key.copy()
    again[crowded[apart]] = keys + group[apart]
    _, again = np.unique(again, return_inverse=True)
    return Edges(again, np.bincount(again)[again], table.forward, np.argsort(again, kind="stable"))


def beyond_two(vertices: Array, faces: Array) -> Array:
    """Numbers of the faces that an edge has beyond its two largest."""
    table = edges(faces)
    crowded = np.flatnonzero(table.uses > 2)
    _, area = face_normals(vertices, faces)
    order = crowded[np.lexsort((-area[crowded // 3], table.key[crowded]))]
    first = np.diff(table.key[order], prepend=-1) != 0
    rank = np.arange(len(order)) - np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    return np.unique(order[rank >= 2] // 3)
