"""Do the colours of two passes agree where they overlap?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared

# What they come to on real sets: benchmarks/register.py.
_SOME = 800  # points that are asked, at the most
_FEWEST = 60  # points on which colours can be compared
_SPREAD = 0.05  # of full scale: colours that vary less say nothing
_TONE = 0.1  # of full scale: colours of one place may differ by so much


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


def gain(a: Prepared, b: Prepared, motions: Array) -> Array:
    """How much better each motion (H,4,4) of a onto b tells the colours of a's points than the mean
    of all of them does, in points."""
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
    own = a.coarse_colors[some]
    met = np.where(like[..., None], b.fine_colors[index], 0.0)
    many = like.sum(0)
    mean = met.sum(0) / np.maximum(many, 1)[:, None]
    usual = ((own - mean) ** 2).sum(1)
    better = (usual - ((own - met) ** 2).sum(-1)) / (3 * _TONE * _TONE)
    return np.asarray(np.where(like & (many > 1), np.clip(better, -1, 1), 0.0) @ a.weight[some])
