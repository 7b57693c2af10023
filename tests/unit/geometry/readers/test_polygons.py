"""Polygons become triangles that cover them and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.geometry.readers.polygons import triangulate
from tests.support.meshfiles import OUTLINE, area

FLAT = np.array([(x, y, 0) for x, y in OUTLINE], float)


@pytest.mark.parametrize("start", range(6))
def test_a_notch_is_kept_whatever_corner_comes_first(start: int) -> None:
    """The L-shape has the area 1600, not the 2000 of a fan over its notch."""
    points = np.roll(FLAT, start, axis=0)
    triangles, _ = triangulate(points, np.array([6]))
    assert len(triangles) == 4
    assert area(points, triangles) == pytest.approx(1600)
    a, b, c = (points[triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


@pytest.mark.parametrize("turn", range(4))
def test_an_arrow_of_four_corners_is_cut_through_its_dent(turn: int) -> None:
    """A quad that is not convex has one right cut only."""
    arrow = np.roll(np.array([(0, 0, 0), (2, 1, 0), (0, 2, 0), (0.5, 1, 0)], float), turn, axis=0)
    triangles, _ = triangulate(arrow, np.array([4]))
    assert area(arrow, triangles) == pytest.approx(1.5)


def test_corners_on_one_line_leave_no_triangle_without_area() -> None:
    """A square with a corner in the middle of each side."""
    square = np.array(
        [(0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 2, 0), (1, 2, 0), (0, 2, 0), (0, 1, 0)],
        float,
    )
    triangles, _ = triangulate(square, np.array([8]))
    a, b, c = (square[triangles[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 1e-9).all()


def test_each_triangle_knows_its_polygon_and_keeps_their_order() -> None:
    """Mixed sizes; polygons of two corners give nothing."""
    points = np.concatenate([FLAT[:3], FLAT, FLAT[:2], FLAT[:4]])
    _, owner = triangulate(points, np.array([3, 6, 2, 4]))
    assert owner.tolist() == [0, 1, 1, 1, 1, 3, 3]


@given(st.integers(5, 40), st.integers(0, 10_000))
def test_stars_keep_their_area(size: int, seed: int) -> None:
    """Any star around a point, in any plane: the triangles' area is the polygon's, and there are two fewer than corners."""
    generator = np.random.default_rng(seed)
    angle = np.arange(size) / size * 2 * np.pi
    radius = generator.uniform(0.2, 1.0, size)
    flat = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(size)], axis=1)
    turn, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    wanted = 0.5 * abs(
        np.sum(flat[:, 0] * np.roll(flat[:, 1], -1) - np.roll(flat[:, 0], -1) * flat[:, 1])
    )
    points = flat @ turn.T
    triangles, _ = triangulate(points, np.array([size]))
    assert len(triangles) == size - 2
    assert area(points, triangles) == pytest.approx(wanted, rel=1e-9)
