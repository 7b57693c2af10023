"""Motions that bring points onto points are found exactly, whatever else is in the stack."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry import rigid

TWIST = np.array([0.4, -0.2, 0.7, 3.0, -1.0, 2.0])


@pytest.fixture
def points() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(40, 3)) * (3, 2, 1)


def test_a_motion_is_found_again(points: np.ndarray) -> None:
    pose = rigid.exponential(TWIST)
    assert np.allclose(rigid.fit(points, rigid.apply(pose, points)), pose, atol=1e-12)


def test_pairs_of_no_weight_do_not_count(points: np.ndarray) -> None:
    """Half of the pairs are lies that are told not to be believed."""
    pose, weights = rigid.exponential(TWIST), np.r_[np.ones(20), np.zeros(20)]
    moved = rigid.apply(pose, points)
    moved[20:] += 50
    assert np.allclose(rigid.fit(points, moved, weights), pose, atol=1e-12)


def test_a_mirrored_cloud_gives_a_rotation_all_the_same(points: np.ndarray) -> None:
    found = rigid.fit(points, points * (1, 1, -1))
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1.0)


@pytest.mark.parametrize("size", [1e-3, 1.0, 25.4])
def test_scale_rotation_and_move_of_a_similarity_are_found_again(
    points: np.ndarray, size: float
) -> None:
    pose = rigid.exponential(TWIST)
    scale, turn, move = rigid.similarity(points, size * rigid.apply(pose, points))
    assert scale == pytest.approx(size)
    assert np.allclose(turn, pose[:3, :3]) and np.allclose(move, size * pose[:3, 3])


def test_a_similarity_around_zero_moves_nothing(points: np.ndarray) -> None:
    turn = rigid.exponential(TWIST)[:3, :3]
    scale, found = rigid.similarity_around_zero(points, 0.5 * points @ turn.T)
    assert scale == pytest.approx(0.5) and np.allclose(found, turn)
    assert np.isfinite(rigid.similarity_around_zero(np.zeros((3, 3)), points[:3])[0])


def test_products_and_cross_products_are_numpys() -> None:
    """For single vectors, lists, and lists broadcast against stacks."""
    rng = np.random.default_rng(5)
    one, many, stack = rng.normal(size=3), rng.normal(size=(7, 3)), rng.normal(size=(2, 7, 3))
    for a, b in ((one, one), (many, one), (stack, many), (many, many)):
        assert np.allclose(rigid.dot(a, b), (a * b).sum(-1), atol=1e-15)
        assert np.allclose(rigid.cross(a, b), np.cross(a, b), atol=1e-15)
