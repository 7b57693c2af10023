"""Distances and hits are right wherever a surface lies."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry import raycasting
from pipeline.geometry.surface import Surface

TRIANGLE = Surface(np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0]]), np.array([[0, 1, 2]]))


def test_a_ray_hits_the_mesh_where_it_is() -> None:
    import open3d as o3d

    scene = raycasting.scene_of(TRIANGLE.vertices, TRIANGLE.faces)
    hit = scene.cast_rays(o3d.core.Tensor(np.array([[1, 1, 5, 0, 0, -1]], np.float32)))
    assert float(hit["t_hit"].numpy()[0]) == pytest.approx(5.0)


@pytest.mark.parametrize("far", [0.0, 4_000_000.0])
def test_a_distance_is_exact_also_far_from_zero(far: float) -> None:
    """As a survey's coordinates are: float32 alone would be off by 25 cm at 4000 km."""
    import open3d as o3d

    moved = Surface(TRIANGLE.vertices + far, TRIANGLE.faces)
    scene = raycasting.sized(moved)
    at = scene.placed(np.array([[1.0, 1.0, 0.125]]) + far)
    found = scene.scene.compute_distance(o3d.core.Tensor(at)).numpy() / scene.scale
    assert found[0] == pytest.approx(0.125, abs=1e-5)
