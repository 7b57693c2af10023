"""Pairs of oriented points suggest the motion where features of neighbourhoods cannot."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry import rigid
from pipeline.stages.scan import _point_pairs, _prepared
from pipeline.stages.scan._prepared import Prepared

TURN = rigid.exponential(np.array([0.5, -0.9, 0.7, 0.1, -0.2, 0.3]))


def rim(seed: int, span: tuple[float, float], turn: np.ndarray) -> Prepared:
    """What a scanner sees of the rim of a thin plate of an outline that repeats nowhere, from a SPAN of it: a winding strip."""
    rng = np.random.default_rng(seed)
    angle, across = rng.uniform(*span, 2500), rng.uniform(-0.02, 0.02, 2500)
    radius, slope = (_outline(angle, step) for step in (0, 1))
    way = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    beside = np.stack([-np.sin(angle), np.cos(angle), 0 * angle], 1)
    points = radius[:, None] * way + across[:, None] * [0, 0, 1]
    normals = radius[:, None] * way - slope[:, None] * beside
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    points, normals = rigid.apply(turn, points), rigid.turn(turn, normals)
    return _prepared.prepare("rim", points, normals, 1.0, None, None, seen=False)


def _outline(angle: np.ndarray, step: int) -> np.ndarray:
    """Its radius (step 0), or how that changes with the angle (step 1)."""
    waves = [(2, 0.05, 0.3), (3, 0.04, 1.9), (5, 0.025, 4.0)]
    every = [
        h * (-k * np.sin(k * angle + p) if step else np.cos(k * angle + p)) for k, h, p in waves
    ]
    return np.asarray((0.0 if step else 0.4) + sum(every))


def nearest(found: np.ndarray, one: Prepared, other: Prepared) -> tuple[float, float]:
    """Degrees and length from the truth to the nearest of the motions."""
    centres = [np.eye(4), np.eye(4)]
    for centre, item in zip(centres, (one, other), strict=True):
        centre[:3, 3] = item.centre
    true = rigid.invert(centres[1]) @ TURN @ centres[0]
    apart = [rigid.difference(motion, true, np.zeros(3)) for motion in found]
    return min(apart, key=lambda pair: pair[0] + 100 * pair[1])


@pytest.mark.slow
@pytest.mark.parametrize("swapped", [False, True])
def test_the_rim_of_a_thin_plate_is_found_again_on_a_longer_piece_of_it(swapped: bool) -> None:
    """Either way round: the smaller of the two passes is the one whose points vote."""
    one, other = rim(0, (0.0, 2.4), np.eye(4)), rim(1, (0.4, 4.0), TURN)
    if swapped:
        found = np.linalg.inv(_point_pairs.motions(other, one))
    else:
        found = _point_pairs.motions(one, other)
    degrees, shift = nearest(found, one, other)
    assert degrees < 12
    assert shift < 0.06


def test_what_is_plane_says_nothing() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(-0.5, 0.5, (3000, 3)) * [1, 1, 0]
    flat = _prepared.prepare(
        "wall", points, np.tile([0.0, 0, 1], (3000, 1)), 1.0, None, None, seen=False
    )
    assert _point_pairs.motions(flat, flat).shape == (0, 4, 4)
