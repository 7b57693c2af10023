"""What is found out about few points of a large cloud is handed up to all of them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry import clouds
from pipeline.stages.scan import _normals

FEW = 4_000


def cloud(count: int = 80_000, strays: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """A ball of radius 1, and points far off its surface; true for those."""
    rng = np.random.default_rng(5)
    away = clouds.unit(rng.normal(size=(strays, 3))) * rng.uniform(1.3, 1.6, (strays, 1))
    points = np.concatenate([clouds.unit(rng.normal(size=(count, 3))), away])
    return points, np.arange(len(points)) >= count


def test_every_point_knows_its_cell_and_the_cell_lies_among_its_points() -> None:
    points, _ = cloud()
    few, index = clouds.thinned(points, FEW)
    assert 0.5 * FEW < len(few) < 5 * FEW  # points at random lie closer than those of a raster
    for axis in range(3):
        mean = np.bincount(index, points[:, axis]) / np.bincount(index)
        assert np.allclose(mean, few[:, axis])


def test_a_small_cloud_is_not_thinned() -> None:
    points, _ = cloud(1000, 0)
    few, index = clouds.thinned(points, FEW)
    assert few is points
    assert (index == np.arange(1000)).all()


@pytest.mark.slow
def test_strays_of_a_large_cloud_are_found_through_its_cells_as_among_all_points() -> None:
    points, stray = cloud()
    for most in (FEW, 10 * len(points)):
        away = clouds.lonely(points, most=most)
        assert away[stray].all()
        assert away[~stray].mean() < 0.001


def test_a_dense_clump_far_off_is_no_stray() -> None:
    """Its points are each other's neighbours, also where all of them fall into one cell."""
    points, _ = cloud(strays=0)
    clump = np.array([1.503, 0.011, 0.011]) + np.random.default_rng(1).normal(size=(40, 3)) * 1e-5
    away = clouds.lonely(np.concatenate([points, clump]), most=FEW)
    assert not away[-40:].any()


def test_normals_of_a_pass_of_many_points_are_those_of_the_surface() -> None:
    points, _ = cloud(3 * _normals._MOST, 0)
    seen = points[points[:, 2] > 0.2]
    normals = _normals.oriented(seen, np.array([0.0, 0.0, 6.0]), None, None)
    assert np.median((normals * seen).sum(1)) > 0.999
    assert ((normals * seen).sum(1) > 0.95).mean() > 0.99
