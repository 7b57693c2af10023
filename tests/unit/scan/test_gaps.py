"""What no scanner saw is measured on the delivered mesh, and the places that are named would show it."""

from __future__ import annotations

import numpy as np
import open3d as o3d
import pytest

from pipeline.stages.scan import _gaps, measure

FAR = 3.0


def sphere() -> tuple[np.ndarray, np.ndarray]:
    mesh = o3d.geometry.TriangleMesh.create_sphere(1.0, 60)
    return np.asarray(mesh.vertices), np.asarray(mesh.triangles).astype(np.int32)


def without_caps(*ways: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A ball, and which of its faces lie in caps of 30 degrees around WAYS."""
    vertices, faces = sphere()
    middle = vertices[faces].mean(1)
    middle /= np.linalg.norm(middle, axis=1, keepdims=True)
    gone = np.any([middle @ np.asarray(way) > np.cos(np.radians(30)) for way in ways], axis=0)
    return vertices, faces, gone


@pytest.mark.parametrize("filled", [False, True])
def test_two_holes_on_two_sides_get_two_places_that_face_them(filled: bool) -> None:
    """Open or closed without data; width and area are the caps' own."""
    ways = ((0.0, 0.0, 1.0), (1.0, 0.0, 0.0))
    vertices, faces, gone = without_caps(*ways)
    kept, bad = (faces, gone) if filled else (faces[~gone], np.zeros((~gone).sum(), bool))
    holes, missing = _gaps.find(vertices, kept, bad, size=3.46)
    assert len(holes) == 2
    assert [hole.filled for hole in holes] == [filled, filled]
    for hole in holes:
        assert hole.area == pytest.approx(0.8, abs=0.12)
        assert max(np.asarray(way) @ np.asarray(hole.normal) for way in ways) > 0.99
    places = _gaps.rescan(vertices, kept, holes, missing, FAR)
    assert sum(one.shows for one in places[:2]) > 0.9
    if not filled:
        assert {number for one in places[:2] for number in one.holes} == {0, 1}


def test_a_hole_that_something_hides_is_looked_at_past_it() -> None:
    """A plate stands straight before the hole: the place that is named lies aslant."""
    vertices, faces, gone = without_caps((0.0, 0.0, 1.0))
    plate = np.array([[-0.4, -0.4, 2.0], [0.4, -0.4, 2.0], [0.4, 0.4, 2.0], [-0.4, 0.4, 2.0]])
    faces = np.concatenate([faces[~gone], np.array([[0, 1, 2], [0, 2, 3]]) + len(vertices)])
    vertices = np.concatenate([vertices, plate])
    holes, missing = _gaps.find(vertices, faces, np.zeros(len(faces), bool), size=3.46)
    at = next(number for number, hole in enumerate(holes) if hole.centre[2] < 1.5)
    own = missing.only(missing.hole == at)
    places = _gaps.rescan(vertices, faces, holes, own, FAR)
    place = np.asarray(places[0].place) - np.asarray(places[0].aim)
    assert places[0].shows > 0.9
    assert place[2] / np.linalg.norm(place) < 0.95


def test_a_closed_body_with_data_everywhere_misses_nothing() -> None:
    vertices, faces = sphere()
    holes, missing = _gaps.find(vertices, faces, np.zeros(len(faces), bool), size=3.46)
    assert holes == ()
    assert _gaps.rescan(vertices, faces, holes, missing, FAR) == ()


def test_unsupported_area_is_counted_by_area_and_not_by_faces() -> None:
    """Half of a ball has points; large faces count as much as their area."""
    vertices, faces = sphere()
    points = np.random.default_rng(0).normal(size=(40_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    share, bad = measure.support(vertices, faces, points[points[:, 2] < 0], 0.05, seed=0)
    assert share == pytest.approx(0.5, abs=0.03)
    assert vertices[faces[bad]].mean(1)[:, 2].min() > 0
