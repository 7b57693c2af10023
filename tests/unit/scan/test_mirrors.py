"""The axis of revolution and the mirror planes of bodies that are known, and none of bodies that have none."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.artefacts import Symmetry
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _mirrors
from tests.support import bodies, shapes

TURN = rigid.from_quaternion(np.array([0.8, 0.36, -0.48, 0.0]))
PLACE = np.array([1000.0, -50.0, 7.0])


def scanned(name: str, count: int = 20_000) -> tuple[Array, Array]:
    """Points in mm with 0.1 mm of noise on the body NAME, but for its underside; tilted and far from the origin."""
    figure, rng = bodies.figure(name, step=3.0), np.random.default_rng(0)
    corners = figure.vertices[figure.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1)
    some = rng.choice(len(area), count, p=area / area.sum())
    shares = rng.dirichlet((1, 1, 1), count)
    points = np.einsum("nk,nkc->nc", shares, corners[some]) + rng.normal(0, 0.1, (count, 3))
    normals = across[some] / area[some, None]
    seen = normals[:, 2] > -0.9
    return points[seen] @ TURN.T + PLACE, normals[seen] @ TURN.T


def found(points: Array, normals: Array) -> Symmetry:
    symmetry = _mirrors.find(points, normals)
    assert symmetry is not None
    return symmetry


def off_line(origin: tuple[float, ...], point: Array, way: Array) -> float:
    return float(np.linalg.norm(np.cross(np.asarray(origin) - point, way)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "planes"), [("plain bottle", 0), ("bottle with handle", 1), ("mug", 1)]
)
def test_a_bottle_has_its_axis_and_a_plane_only_where_a_handle_tells_it(
    name: str, planes: int
) -> None:
    """The axis is z through the origin, tilted and moved as the scan is; the handle stands in the plane y = 0."""
    symmetry = found(*scanned(name))
    (axis,) = symmetry.axes
    assert abs(TURN[:, 2] @ axis.direction) > 0.9998  # about 1°
    assert off_line(axis.origin, PLACE, TURN[:, 2]) < 0.5
    assert (axis.score > 0.97) == (planes == 0)  # the handle does not turn
    assert len(symmetry.planes) == planes
    for plane in symmetry.planes:
        assert abs(TURN[:, 1] @ plane.normal) > 0.999
        assert abs((np.asarray(plane.origin) - PLACE) @ TURN[:, 1]) < 0.5
        assert plane.score > 0.9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "ways"),
    [("box", [[1, 0, 0], [0, 1, 0]]), ("mirrored", [[1, 0, 0]])],
)
def test_mirror_planes_stand_where_the_body_has_them(name: str, ways: list[list[float]]) -> None:
    """A box on its base has two, upright; an animal one. Neither has an axis of revolution."""
    symmetry = found(*scanned(name))
    assert symmetry.axes == ()
    assert len(symmetry.planes) == len(ways)
    for way in ways:
        normal = TURN @ way
        plane = max(symmetry.planes, key=lambda one: abs(normal @ one.normal))
        assert abs(normal @ plane.normal) > 0.9998
        assert abs((np.asarray(plane.origin) - PLACE) @ normal) < 0.5
        assert plane.score > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sculpture", "box-like"])
def test_a_body_without_symmetry_is_told_none(name: str) -> None:
    assert found(*scanned(name)) == Symmetry()


@pytest.mark.slow
def test_all_nine_planes_of_a_cube_whose_points_have_no_noise() -> None:
    symmetry = found(*shapes.box(12_000))
    ways = np.array([plane.normal for plane in symmetry.planes])
    assert len(ways) == 9
    assert (np.abs(ways @ ways.T) > 0.97).sum() == 9
    assert all(np.linalg.norm(plane.origin) < 0.02 for plane in symmetry.planes)


@pytest.mark.slow
def test_a_wall_and_a_ball_are_told_nothing_for_all_would_be_as_true() -> None:
    """Also with rough normals, whose noise must not be taken for a surface that holds a plane."""
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.random((12_000, 2)) * [2, 1], np.zeros(12_000)])
    for points, normals in (shapes.ball(12_000), (flat, np.tile([0.0, 0.0, 1.0], (12_000, 1)))):
        rough = normals + rng.normal(0, 0.1, normals.shape)
        assert found(points + rng.normal(0, 0.002, points.shape), rough) == Symmetry()


@pytest.mark.slow
def test_what_any_plane_mirrors_is_told_the_one_across_a_way_where_one_is_asked_for() -> None:
    """A ball's, and one through the axis of a vase; not of a vase seen along its axis, which has
    only the ends', nor of what has none."""
    way = np.array([0.6, 0.0, 0.8])
    for points, normals in (shapes.ball(6_000), vase(6_000)):
        told = _mirrors.find(points, normals, way)
        assert told is not None
        (plane,) = told.planes
        assert abs(way @ plane.normal) > 0.999
        assert abs(way @ np.asarray(plane.origin)) < 0.02
    told = _mirrors.find(*vase(6_000), np.array([0.0, 1.0, 0.1]))
    assert told is not None and len(told.axes) == 1 and not told.planes


def vase(count: int) -> tuple[Array, Array]:
    """Points on a cone about y, wider above."""
    rng = np.random.default_rng(0)
    turn, y = rng.random(count) * 2 * np.pi, 1.5 * rng.random(count) - 0.7
    out = np.column_stack([np.cos(turn), np.zeros(count), np.sin(turn)])
    points = (0.4 + 0.2 * y)[:, None] * out + np.outer(y, [0, 1, 0])
    return points, (out - [0, 0.2, 0]) / np.hypot(1, 0.2)


@pytest.mark.slow
def test_a_tube_that_slides_as_well_has_its_axis() -> None:
    rng = np.random.default_rng(0)
    turn = rng.random(12_000) * 2 * np.pi
    out = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(12_000)])
    symmetry = found(out + np.outer(rng.random(12_000) * 3, [0, 0, 1]), out)
    (axis,) = symmetry.axes
    assert axis.direction[2] > 0.9998
    assert off_line(axis.origin, np.zeros(3), np.array([0.0, 0.0, 1.0])) < 0.01
    assert all(plane.normal[2] < 0.1 for plane in symmetry.planes)


def test_a_few_points_do_not_say() -> None:
    assert _mirrors.find(*shapes.box(300)) is None
