"""Passes that their features did not join are looked at once more: with normals smoothed over what
a noisy sensor leaves of a surface, with colours beside the shape, by pairs of oriented points, and
by faces that lie along three axes. At size 1.

Fine features tell more where the sensor is good, smooth ones where it is not; colours tell where a
soft, round body has little shape; pairs of points where a sight is narrow, such as one of a rim;
faces where a body is like a box. Whatever they suggest is weighed like any other motion.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _hypotheses, _links, _point_pairs, _prepared, _walls
from pipeline.stages.scan._graph import Group, group_of
from pipeline.stages.scan._links import PairLink
from pipeline.stages.scan._prepared import Prepared

# What they come to on real sets: benchmarks/register.py.
_SMOOTH, _NEIGHBOURS = 0.045, 200  # length around a point that makes its normal; points of it
_AROUND = (0.02, 0.05)  # lengths over which colours are averaged
_PAIRS = 60  # that are looked at again at the most; each costs about a second
_VOTED, _BUILT = 16, 24  # motions of each kind that are refined, at the most
_TELLS = 30.0  # how far a full step of colour puts two features apart; shape's lie about 5 apart


def pairs(groups: list[Group], passes: list[Prepared]) -> list[tuple[int, int]]:
    """Pairs of passes that stand in different groups, the most alike first; not all of many
    strangers."""
    apart = (
        (a, b) for a, b in _links.by_likeness(passes)
        if group_of(groups, a) is not group_of(groups, b)
    )  # fmt: skip
    return list(itertools.islice(apart, _PAIRS))


def looked(one: Prepared) -> Prepared:
    """The pass with key points and features of the second look."""
    rough = clouds.normals(one.fine, _SMOOTH, _NEIGHBOURS)
    side = np.where((rough * one.fine_normals).sum(1) < 0, -1.0, 1.0)
    key, directions = clouds.thin(one.fine, _prepared.FEATURE, rough * side[:, None])
    normals = clouds.unit(directions)
    features = _prepared.fpfh(key, normals)
    if one.fine_colors is not None:
        features = np.concatenate([features, _colours(one, key)], 1)
    return replace(one, key=key, key_normals=normals, features=features)


def _colours(one: Prepared, key: Array) -> NDArray[np.float32]:
    """(K,6) float32, squared as features are compared by their roots: the mean colours around each
    key point. How bright a pass is as a whole does not count."""
    from scipy.spatial import cKDTree

    assert one.fine_colors is not None
    tree, found = cKDTree(one.fine), []
    for reach in _AROUND:
        near = tree.query_ball_point(key, reach)
        starts = np.cumsum([0, *map(len, near[:-1])])
        total = np.add.reduceat(one.fine_colors[np.concatenate(near).astype(int)], starts)
        found.append(total / np.array([len(some) for some in near])[:, None])
    colours = np.concatenate(found, 1)
    colours = colours - np.median(colours.mean(1)) + 1.0
    return np.asarray((_TELLS * colours) ** 2, np.float32)


def between(a: int, b: int, passes: list[Prepared], again: dict[int, Prepared]) -> list[PairLink]:
    """Links that the second look at two passes suggests."""
    for k in (a, b):
        if k not in again:
            again[k] = looked(passes[k])
    one, other = again[a], again[b]
    both = min(
        one.features.shape[1], other.features.shape[1]
    )  # shape alone where one has no colours
    poses = _hypotheses.motions(
        replace(one, features=one.features[:, :both]),
        replace(other, features=other.features[:, :both]),
    )
    pairs = _point_pairs.motions(passes[a], passes[b], _VOTED)
    built = _walls.motions(passes[a], passes[b], _BUILT)  # a box's faces are walls, too
    return _links.refined(a, b, passes, np.concatenate([poses, pairs, built]), "second look")
