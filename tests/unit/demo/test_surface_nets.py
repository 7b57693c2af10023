"""Surface nets: closed and wound outward."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from pipeline.demo import surface_nets


def test_surface_nets_give_a_closed_sphere_that_faces_outward() -> None:
    """Vertices lie on the surface, every edge has its twin, and the enclosed volume is positive and right."""
    axis = np.arange(-12.0, 13.0)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    vertices, triangles = surface_nets.surface_nets(np.sqrt(x**2 + y**2 + z**2) - 9.3)
    centred = vertices - 12.0
    assert np.abs(np.linalg.norm(centred, axis=1) - 9.3).max() < 0.15
    edges = {
        (a, b) for triangle in triangles.tolist() for a, b in pairwise([*triangle, triangle[0]])
    }
    assert {(b, a) for a, b in edges} == edges
    corners = centred[triangles]
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 9.3**3, rel=0.02)
