"""Passes that their shape did not join get a second look, with smoother normals and with colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.geometry import rigid
from pipeline.stages.scan import _again, _hypotheses, _prepared
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._prepared import Prepared

TURN = rigid.exponential(np.array([0.5, -0.9, 0.7, 0.0, 0.0, 0.0]))


def ball(seed: int, turn: np.ndarray, brightness: float = 1.0) -> Prepared:
    """A ball painted in broad patches, no two alike; its shape tells nothing."""
    directions = np.random.default_rng(seed).normal(size=(2000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    waves = np.random.default_rng(7).normal(0, 2.5, (3, 3))
    tones = 128 + 80 * np.sin(directions @ waves + [0.3, 1.1, 2.0])
    moved = directions @ turn[:3, :3].T
    colours = (brightness * tones).astype(np.uint8)
    return _prepared.prepare("ball", 0.3 * moved, moved, 1.0, None, colours, seen=False)


def nearest(one: Prepared, other: Prepared) -> float:
    """Degrees from the truth to the nearest motion that features suggest."""
    found = _hypotheses.motions(one, other)
    return min((rigid.degrees(motion @ rigid.invert(TURN)) for motion in found), default=180.0)


@pytest.mark.slow
def test_colours_suggest_the_motion_that_shape_cannot() -> None:
    """How bright one of the two passes is as a whole does not matter."""
    one, other = ball(0, np.eye(4)), ball(1, TURN, 0.85)
    assert nearest(_again.looked(one), _again.looked(other)) < 10 < nearest(one, other)


@pytest.mark.slow
def test_a_pass_without_colours_is_looked_at_beside_one_that_has_some() -> None:
    """By shape alone."""
    painted, plain = ball(0, np.eye(4)), replace(ball(1, TURN), fine_colors=None)
    assert isinstance(_again.between(0, 1, [painted, plain], {}), list)


@pytest.mark.slow
def test_only_passes_that_stand_apart_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [Group({0: np.eye(4), 3: np.eye(4)}), Group({1: np.eye(4)}), Group({2: np.eye(4)})]
    passes = [_bare(seed) for seed in range(4)]
    found = _again.pairs(groups, passes)
    assert sorted(found) == [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
    assert not _again.pairs([Group({0: np.eye(4), 1: np.eye(4)})], passes[:2])
    monkeypatch.setattr(_again, "_PAIRS", 2)
    assert _again.pairs(groups, passes) == found[:2], "the most alike first"


def _bare(seed: int) -> Prepared:
    points = 0.1 * np.random.default_rng(seed).normal(size=(300, 3))
    cloud = _prepared.bare(points, points / np.linalg.norm(points, axis=1, keepdims=True))
    features = np.random.default_rng(seed).random((50, 66)).astype(np.float32)
    return replace(cloud, features=features)
