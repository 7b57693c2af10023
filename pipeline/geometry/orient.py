"""Makes neighbouring faces agree on their direction, and cuts what has no two sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.topology import Edges, edges, pairs

Array = NDArray[Any]


def oriented(faces: Array) -> tuple[Array, Array]:
    """(faces, keep): FACES turned so that neighbours agree, most of each part staying as they were;
    keep (F,) is False for faces that must go because their part, like a Möbius strip, has no two
    sides (library: scipy's connected_components)."""
    table = edges(faces)
    first, second = pairs(table)
    label = _double_cover(
        len(faces), first // 3, second // 3, table.forward[first] == table.forward[second]
    )
    flip = label[0] > label[1]
    part = np.minimum(label[0], label[1])
    share = np.bincount(part, weights=flip) / np.maximum(np.bincount(part), 1)
    flip ^= share[part] > 0.5
    one_sided = label[0] == label[1]
    keep = np.ones(len(faces), dtype=bool)
    if one_sided.any():
        flip[one_sided] = _along_a_tree(table, one_sided)[one_sided]
        clash = (flip[first // 3] ^ flip[second // 3]) != (
            table.forward[first] == table.forward[second]
        )
        keep[first[clash] // 3] = False
    turned = np.where(flip[:, None], faces[:, ::-1], faces)
    return turned, keep


def _double_cover(count: int, left: Array, right: Array, clash: Array) -> Array:
    """Labels (2, F) of the parts of a graph in which every face stands twice, once each way round;
    an edge joins what agrees. A part has two sides exactly when a face's two labels differ."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = np.concatenate([left, left + count])
    columns = np.concatenate([right + count * clash, right + count * ~clash])
    graph = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(2 * count,) * 2)
    return np.asarray(connected_components(graph, directed=False)[1]).reshape(2, count)


def _along_a_tree(table: Edges, chosen: Array) -> Array:
    """Flips (F,) that make neighbours along a spanning tree of the CHOSEN faces agree; other
    neighbours may clash."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order

    first, second = pairs(table)
    first, second = first[chosen[first // 3]], second[chosen[first // 3]]
    clash = table.forward[first] == table.forward[second]
    count = len(chosen)
    graph = coo_matrix(
        (np.ones(len(first)), (first // 3, second // 3)), shape=(count, count)
    ).tocsr()
    disagree = {
        frozenset(pair)
        for pair in zip((first // 3)[clash].tolist(), (second // 3)[clash].tolist(), strict=True)
    }
    flip = np.zeros(count, dtype=bool)
    todo = chosen.copy()
    while todo.any():
        order, before = breadth_first_order(graph, int(np.flatnonzero(todo)[0]), directed=False)
        for face in order[1:].tolist():
            flip[face] = flip[before[face]] ^ (frozenset((face, int(before[face]))) in disagree)
        todo[order] = False
    return flip
