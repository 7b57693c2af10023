"""Normals keep the edges of what is angular, whatever its proportions and triangles, and stay smooth over folds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from pipeline.geometry.creases import with_normals
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import corner_angles, face_normals

CORNERS = np.array(list(product((0.0, 1.0), repeat=3))) - 0.5
SIDES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)  # counter-clockwise from outside
SHAPES = (
    (1.0, 2.0, 3.0),
    (0.1, 0.2, 0.3),
    (10.0, 10.0, 10.0),
    (100.0, 100.0, 0.02),
    (0.01, 5.0, 300.0),
)


def box(extents: tuple[float, float, float], diagonals: int) -> Surface:
    """Eight shared vertices; bit k of DIAGONALS chooses the diagonal of side k."""
    turned = [np.roll(side, (diagonals >> k) & 1) for k, side in enumerate(SIDES)]
    faces = np.array(
        [triangle for a, b, c, d in turned for triangle in ((a, b, c), (a, c, d))], np.int32
    )
    return Surface(CORNERS * extents, faces)


def wrong(surface: Surface) -> float:
    """The largest angle, in degrees, between a corner's normal and that of its face."""
    done = with_normals(surface)
    assert done.normals is not None
    flat, _ = face_normals(done.vertices, done.faces)
    cosine = np.einsum("fki,fi->fk", done.normals[done.faces], flat)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))).max())


@pytest.mark.slow
@pytest.mark.parametrize("extents", SHAPES)
def test_a_box_has_six_normals_however_its_sides_are_cut(
    extents: tuple[float, float, float],
) -> None:
    """All 64 choices of diagonals; 24 vertices, each with the normal of its own side."""
    for diagonals in range(64):
        made = box(extents, diagonals)
        assert wrong(made) < 0.1, diagonals
        assert len(with_normals(made).vertices) == 24


def test_a_side_cut_into_uneven_triangles_keeps_its_normal() -> None:
    """A vertex close to a corner of one side makes triangles of very different sizes there."""
    whole = box((1.0, 2.0, 3.0), 0)
    a, b, c = whole.faces[0]
    near = whole.vertices[a] * 0.98 + whole.vertices[b] * 0.01 + whole.vertices[c] * 0.01
    faces = np.concatenate([whole.faces[1:], [[a, b, 8], [b, c, 8], [c, a, 8]]]).astype(np.int32)
    assert wrong(Surface(np.vstack([whole.vertices, near]), faces)) < 0.1


def test_a_needle_goes_along_with_its_surroundings() -> None:
    """Six triangles around a point lie flat but for an upright needle between two of them: at the point all share one normal."""
    angle = np.radians(np.arange(0, 360, 60))
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(6)], axis=1)
    vertices = np.vstack([np.zeros((1, 3)), ring, [[1.0, 0.0, 0.03]]])
    faces = [[0, 7, 2], *([0, k, k + 1] for k in range(2, 6)), [0, 6, 1], [0, 1, 7]]
    done = with_normals(Surface(vertices, np.array(faces, np.int32)))
    assert done.normals is not None
    assert done.normals[done.faces[:, 0]] @ [0, 0, 1] == pytest.approx(1, abs=0.01)


def test_a_face_without_area_has_the_normal_of_its_neighbours() -> None:
    """Its own would be rounding, or nothing at all."""
    made = box((1.0, 2.0, 3.0), 0)
    a, b, c = made.faces[0]
    middle = (made.vertices[a] + made.vertices[c]) / 2
    faces = np.concatenate([made.faces[1:], [[a, b, 8], [b, c, 8], [a, 8, c]]]).astype(np.int32)
    done = with_normals(Surface(np.vstack([made.vertices, middle]), faces))
    assert done.normals is not None
    assert np.linalg.norm(done.normals, axis=1) == pytest.approx(1, abs=1e-5)


def test_the_angles_of_a_triangle_are_those_of_school() -> None:
    """3, 4, 5: 90° between the short sides; together half a turn; none where a side has no length."""
    vertices = np.array([[0.0, 0, 0], [3, 0, 0], [0, 4, 0], [0, 0, 0]])
    found = np.degrees(corner_angles(vertices, np.array([[0, 1, 2], [0, 3, 1]])))
    assert found[:3] == pytest.approx(
        [90, np.degrees(np.arctan2(4, 3)), np.degrees(np.arctan2(3, 4))]
    )
    assert found[3:] == pytest.approx([0, 0, 0])
