"""Do the colours of two passes agree where they overlap?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared

# What they come to on real sets: benchmarks/register.py.
_SOME = 800  # points that are asked, at the most
_ANY = 300  # colours of a pass that stand for all of it
_FEWEST = 60  # points on which colours can be compared
_SPREAD = 0.05  # of full scale: colours that vary less say nothing
_TONE = 0.1  # of full scale: colours of one place may differ by so much …
_EXPOSED = 0.25  # … beside so much that all of a pass are brighter
_COMMON = 0.3  # share of a pass from which a colour is too common to say anything where it fits
_CLASH = 0.15  # of full scale: colours that differ more are not of one place
# harmony below which two placed passes do not lie on each other, and that of a link, which has yet
# to show it: all true sights of turntable_dog and of painted bodies have 0.95 and more
CLASHES, _LINKS = 0.2, 0.7
_BLOTS, _WORSE = 0.1, 0.1  # share of an overlap that may clash; what beyond that costs two thirds
_DOUBT = 0.05  # share of points whose colour says nothing (a gloss, a shadow)


def agreement(
    a: Prepared, b: Prepared, like: NDArray[np.bool_], index: NDArray[np.int32]
) -> float | None:
    """The correlation, -1..1, of the colours of a's coarse points where they lie on b's surface
    (``like``) with those of the points that they meet there; None where one colour is all they
    show. How bright a pass is as a whole does not count."""
    if a.coarse_colors is None or b.fine_colors is None or like.sum() < _FEWEST:
        return None
    own, met = a.coarse_colors[like], b.fine_colors[index[like]]
    own, met = own - own.mean(0), met - met.mean(0)
    spread = float(np.sqrt((own * own).mean() * (met * met).mean()))
    return float((own * met).mean() / spread) if spread > _SPREAD**2 else None


def harmony(a: Prepared, b: Prepared, motion: Array) -> float | None:
    """0..1: near 1 unless the colours of one place differ in more of the overlap than blots and
    shadows explain, of the two ways the worse; how bright a pass is as a whole does not count, nor
    what changes within the distance at which places still count as one. None where there are no
    colours, or hardly an overlap."""
    worst: list[float] = []
    for one, other, pose in ((a, b, motion), (b, a, rigid.invert(motion))):
        if one.coarse_colors is None or other.fine_colors is None:
            return None
        moved, turned = rigid.apply(pose, one.coarse), rigid.turn(pose, one.coarse_normals)
        index = other.lookup.query(moved)
        near = ((moved - other.fine[index]) ** 2).sum(1) < NEAR * NEAR
        like = (index >= 0) & near & ((turned * other.fine_normals[index]).sum(1) > ALIKE)
        if like.sum() < _FEWEST:
            continue
        own, met = one.coarse_colors[like], other.fine_colors[index[like]]
        own = own - np.clip(np.median(own - met, axis=0), -_EXPOSED, _EXPOSED)
        clash = _differs(own, met)
        # the mean of a fine pattern is none of its colours, but lies among them
        low, high = _around(other, moved[like][clash])
        clash[clash] = _differs(own[clash], np.clip(own[clash], low, high))
        worst.append(float(one.weight[like] @ clash / one.weight[like].sum()))
    return float(np.exp(-((max(0.0, max(worst) - _BLOTS) / _WORSE) ** 2))) if worst else None


def clash(a: Prepared, b: Prepared, motion: Array) -> bool:
    """Whether the colours speak against a link by which two passes lie on each other like this."""
    agreed = harmony(a, b, motion)
    return agreed is not None and agreed < _LINKS


def _differs(one: Array, other: Array) -> NDArray[np.bool_]:
    return np.asarray(((one - other) ** 2).sum(1) > 3 * _CLASH * _CLASH)


def _around(one: Prepared, places: Array) -> tuple[Array, Array]:
    """The least and the greatest (N,3) of the colours that a pass has NEAR places on it."""
    from scipy.spatial import cKDTree

    assert one.fine_colors is not None
    if len(places) == 0:
        return places, places
    near = cKDTree(one.fine).query_ball_point(places, NEAR)
    colours = one.fine_colors[np.concatenate(near).astype(int)]
    starts = np.cumsum([0, *map(len, near[:-1])])
    return np.minimum.reduceat(colours, starts), np.maximum.reduceat(colours, starts)


def gain(a: Prepared, b: Prepared, motions: Array) -> Array:
    """What the colours of a's points say for each motion (H,4,4) of a onto b, in points: how much
    likelier the colour that each meets is than any colour of b, if both are one place. A rare
    colour that finds its like says much, a common one little; what meets nothing says nothing. How
    bright a pass is as a whole does not count."""
    if a.coarse_colors is None or b.fine_colors is None:
        return np.zeros(len(motions))
    some = slice(None, None, max(1, len(a.coarse) // _SOME))
    places, normals = (
        rigid.apply(motions, a.coarse[some]),
        rigid.turn(motions, a.coarse_normals[some]),
    )
    index = b.lookup.query(places)
    apart = places - b.fine[index]
    like = (index >= 0) & ((apart * apart).sum(-1) < NEAR * NEAR)
    like &= (normals * b.fine_normals[index]).sum(-1) > ALIKE
    return np.asarray(_likelier(a.coarse_colors[some], b, like, index) @ a.weight[some])


def _likelier(own: Array, b: Prepared, like: NDArray[np.bool_], index: NDArray[np.int32]) -> Array:
    """(H,N) in -1..1, 0 where a point meets nothing, or what is everywhere."""
    assert b.fine_colors is not None
    # what is everywhere agrees by chance, and all the more the more two passes share
    rare = np.maximum(np.log((_COMMON + _DOUBT) / (_chance(own, b.fine_colors) + _DOUBT)), 0)
    found = np.zeros(like.shape)
    for k, at in enumerate(like):
        apart = own[at] - b.fine_colors[index[k, at]]
        if at.sum() >= _FEWEST:
            apart = apart - np.clip(np.median(apart, axis=0), -_EXPOSED, _EXPOSED)
        fits = np.exp(-(apart * apart).sum(1) / (6 * _TONE * _TONE))
        found[k, at] = np.clip(np.log((fits + _DOUBT) / (1 + _DOUBT)) + fits * rare[at], -1, 1)
    return found


def _chance(own: Array, others: Array) -> Array:
    """How well any of the other colours fits each of the own."""
    some = others[:: max(1, len(others) // _ANY)]
    square = (own * own).sum(1)[:, None] + (some * some).sum(1)[None] - 2 * own @ some.T
    return np.asarray(np.exp(-np.maximum(square, 0) / (6 * _TONE * _TONE)).mean(1))
