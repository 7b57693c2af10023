"""What speaks for one of several placements, and what does not: a surface that is about alike, points that one camera alone missed, and chance that adds up."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry import clouds, rigid
from pipeline.stages.scan import _judge, _marks, _prepared, _rivals
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._rivals import _Part
from pipeline.stages.scan._symmetry import Symmetry

NOISE = 0.0005


def relief(seed: int, bumps: float = 0.0, along: float = 0.0) -> Prepared:
    """A wavy patch, sampled anew by SEED, at a distance ALONG x; BUMPS make it another surface."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 0.5, (2, 6000))
    height = 0.02 * np.sin(9 * x + 4 * y) + bumps * np.sin(35 * x) * np.sin(31 * y)
    points = np.column_stack([x + along, y, height + rng.normal(0, NOISE, len(x))])
    normals = clouds.normals(points, 0.03)
    return _prepared.bare(points, normals * np.sign(normals[:, 2:]))


@pytest.mark.slow
def test_a_surface_that_is_about_alike_does_not_outvote_the_one_that_is_the_same() -> None:
    """The back of a thin body is about its front: two passes of it took a pass of the front to their side, and it was sure."""
    one, front = relief(0), relief(1)
    backs = [relief(seed, bumps=0.008, along=1.0) for seed in (2, 3)]
    over = rigid.exponential(np.array([0, 0, 0, 1.0, 0, 0]))
    places = np.stack([np.eye(4), over])
    verdict = _judge.judge(one, [front, *backs], np.stack([places] * 3), NOISE)
    assert verdict.best() == 0
    assert not verdict.rivals(0)[1]
    assert verdict.explained[0] > 2 * verdict.explained[1]


def flat() -> Prepared:
    across = np.stack(np.meshgrid(*2 * [np.linspace(0, 0.5, 26)]), -1).reshape(-1, 2)
    points = np.column_stack([across, np.zeros(len(across))])
    one = _prepared.bare(points, np.tile([0.0, 0.0, 1.0], (len(points), 1)))
    one.weight[:] = 1.0
    return one


def test_what_one_camera_alone_saw_nothing_of_is_no_mark() -> None:
    """The rim of a plate that the projector did not reach told the two ends of a box apart."""
    one = flat()
    corner = np.linalg.norm(one.coarse - one.coarse[0], axis=1) < 0.1
    unseen = np.stack([0 * corner, 1 * corner, 2 * corner])
    assert corner.sum() > 5
    told = _marks._weighed(one, unseen, cameras=6)
    assert not told[:2].any()
    assert told[2].any()
    assert _marks._weighed(one, unseen, cameras=2)[1].any(), "two passes have no second witness"


def test_passes_from_one_place_are_one_witness() -> None:
    looks = {4: np.array([1.0, 0, 0]), 1: np.array([0.995, 0.0998, 0]), 2: np.array([0, 1.0, 0])}
    assert _marks._spread(looks) == [4, 2]


def test_a_motion_that_most_cameras_deny_brings_no_body_onto_itself() -> None:
    """A box turned a quarter lies on itself by half; a mug without its handle by nearly all."""
    one = flat()
    much, little = np.arange(len(one.coarse)) % 4 == 0, np.arange(len(one.coarse)) % 25 == 0
    unseen = np.stack([0 * much, 1 * little, 1 * much])
    assert _marks._refuted([one] * 3, dict.fromkeys(range(3), unseen)).tolist() == [
        False,
        False,
        True,
    ]


def half_turn() -> Symmetry:
    motions = np.stack([np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0])])
    product = np.array([[0, 1], [1, 0]])
    return Symmetry(motions, product, np.array([0, 1]), flat(), None, 1, np.zeros(3))


@pytest.mark.parametrize(("said", "decided"), [(2.0, False), (12.0, True)])
def test_what_many_pairs_say_by_chance_decides_nothing(said: float, decided: bool) -> None:
    """Two points for each of sixteen pairs are no evidence; twelve are."""
    away, home = _Part(dict.fromkeys(range(4), 0)), _Part(dict.fromkeys(range(4, 8), 0))
    gains = {(a, b): np.array([0.0, said]) for a in away.labels for b in home.labels}
    step = _rivals._step(away, home, gains, half_turn())
    assert step.best == 1
    assert (step.margin >= 1) == decided
