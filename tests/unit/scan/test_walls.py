"""Rooms and house fronts: walls onto walls give the turns, what stands in the room the shift; a camera knows nothing beyond its frame."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.geometry import clouds, rigid
from pipeline.stages.scan import _links, _normals, _prepared, _walls
from pipeline.stages.scan._camera import Camera
from pipeline.stages.scan._prepared import Prepared
from tests.support import rooms

SIZE = 6.0
BOXES = [((0, 0, -60), (4800, 3400, 0)), ((0, 0, 2500), (4800, 3400, 2560))]
BOXES += [((-60, 0, 0), (0, 3400, 2500)), ((4800, 0, 0), (4860, 3400, 2500))]
BOXES += [((0, -60, 0), (4800, 0, 2500)), ((0, 3400, 0), (4800, 3460, 2500))]
BOXES += [((300, 200, 0), (1000, 700, 1900)), ((3600, 2500, 0), (4500, 3100, 700))]
BOXES += [((2200, 2700, 0), (2600, 3300, 1200))]


def station(place: tuple[float, float, float], motion: np.ndarray) -> Prepared:
    """What a scanner at PLACE sees of the room, moved by MOTION."""
    scene = rooms.Scene(rooms.solid(BOXES), plate=False)
    seen = rooms._look(
        scene, np.asarray(place), rooms._sphere(150, 70), np.random.default_rng(0), 3.0
    )[0]
    own, at = rigid.apply(motion, seen / 1000), rigid.apply(motion, np.array([place]) / 1000)[0]
    normals = _normals.oriented(own, at, None, None)
    return _prepared.prepare("station", own, normals, SIZE, at, scene=True)


@pytest.mark.slow
def test_stations_in_one_room_find_each_other_by_its_walls() -> None:
    moved = rigid.exponential(np.array([0.2, -0.1, 2.0, 3.0, 1.0, -2.0]))
    one, two = station((900, 2600, 1500), moved), station((3800, 900, 1600), np.eye(4))
    true = rigid.invert(moved)
    true[:3, 3] = (rigid.apply(true, one.centre[None])[0] - two.centre) / SIZE
    found = _links.refined(0, 1, [one, two], _walls.motions(one, two), "walls")
    angle, shift = rigid.difference(found[0].pose, true, np.zeros(3))
    assert angle < 0.3
    assert shift < 0.003


@pytest.mark.slow
def test_what_has_no_walls_is_left_to_its_features() -> None:
    normals = clouds.unit(np.random.default_rng(0).normal(size=(3000, 3)))
    ball = _prepared.prepare("ball", 0.4 * normals, normals, 1.0)
    assert _walls.axes(ball) is None
    assert len(_walls.motions(ball, ball)) == 0


def test_a_camera_says_nothing_of_what_lies_beyond_its_frame() -> None:
    """A wall goes on beside the picture; a thing that ends within it does not."""
    u, v = np.meshgrid(np.arange(-0.4, 0.4, 0.006), np.arange(-0.3, 0.3, 0.006))
    wall = np.stack([u.ravel(), v.ravel(), 0.01 * np.sin(40 * u.ravel())], 1)
    disc = wall[np.hypot(wall[:, 0], wall[:, 1]) < 0.28]
    beside = wall[::7] + np.array([0.9, 0, 0])
    normals = np.tile([0.0, 0.0, 1.0], (len(beside), 1))
    share = {}
    for name, seen in (("wall", wall), ("disc", disc)):
        camera = Camera(seen, np.array([0.3, 0.2, 1.2]), True, scene=True)
        share[name] = camera.misses(beside, normals, np.ones(len(beside)))
    assert share["wall"] < 0.05
    assert share["disc"] > 0.5
