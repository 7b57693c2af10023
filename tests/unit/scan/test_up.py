"""Up is what speaks most; where only the shape speaks, it is called a guess."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.artefacts import Alignment, Pass, Placed, Scans
from pipeline.geometry import rigid
from pipeline.stages.scan import _up
from tests.support.shapes import box

TURN = rigid.from_quaternion(np.array([0.5, 0.5, 0.5, 0.5]))
TILTED = rigid.from_quaternion(np.array([0.8, 0.36, -0.48, 0.0]))


def placed(*poses: np.ndarray) -> Alignment:
    rows = (
        Placed(name=str(k), points=1, placed=True, pose=rigid.to_matrix(pose), score=1, overlap=1)
        for k, pose in enumerate(poses)
    )
    return Alignment(passes=tuple(rows), links=(), components=(), size=1.0)


def scans(up_from: str = "file", **facts: object) -> Scans:
    only = Pass(name="0", arrays="", points=1, **facts)
    return Scans(passes=(only,), unit="m", unit_guessed=False, up_from=up_from)


def found(points: np.ndarray, normals: np.ndarray, told: Scans, *poses: np.ndarray) -> _up.Up:
    return _up.find(points, normals, [], None, told, placed(*(poses or (np.eye(4),))))


def pose(rotation: np.ndarray) -> np.ndarray:
    made = np.eye(4)
    made[:3, :3] = rotation
    return made


@pytest.mark.parametrize("turn", [np.eye(3), TURN, TILTED], ids=["as it is", "turned", "tilted"])
def test_a_figure_stands_on_the_side_that_was_never_scanned(turn: np.ndarray) -> None:
    """A box three times as deep as high: its flattest side is another than its base."""
    points, normals = box(20_000, (1.0, 3.0, 2.0))
    seen = normals[:, 0] > -0.5  # x is up, the base was on a table
    up = found(points[seen] @ turn.T, normals[seen] @ turn.T, scans())
    assert (up.source, up.guess) == ("never-scanned base", True)
    assert up.axis @ (turn @ [1, 0, 0]) > 0.99


def test_a_closed_body_stands_tall_where_it_is_symmetric() -> None:
    """A pillar on a wide foot, scanned from everywhere: on its foot, not on its side."""
    foot, pillar = box(9000, (2, 2, 0.3)), box(9000, (0.8, 0.8, 3))
    points = np.concatenate([foot[0], pillar[0] + [0, 0, 1.65]])
    normals = np.concatenate([foot[1], pillar[1]])
    up = found(points @ TILTED.T, normals @ TILTED.T, scans())
    assert up.guess
    assert up.axis @ (TILTED @ [0, 0, 1]) > 0.99


def test_one_view_says_nothing_about_the_base() -> None:
    points, normals = box(9000, (1, 1, 1))
    seen = normals[:, 0] > 0.5
    assert found(points[seen], normals[seen], scans()).source == "resting"


def test_a_survey_is_level_by_its_format_and_that_is_no_guess() -> None:
    points, normals = box(2000, (5, 4, 3))
    up = found(points, -normals, scans(survey=True))
    assert (up.source, up.guess, up.axis.tolist()) == ("file", False, [0, 0, 1])


def test_photographs_are_level_by_their_cameras_where_these_tell_it() -> None:
    """Not by a file, which tells nothing; where they tell nothing either, up is a guess."""
    points, normals = box(2000, (5, 4, 3))
    placed_already = rigid.to_matrix(np.eye(4))
    up = found(points, -normals, scans("cameras", pose=placed_already))
    assert (up.source, up.guess, up.axis.tolist()) == ("cameras", False, [0, 0, 1])
    assert found(points, -normals, scans("", pose=placed_already)).guess


def test_the_turntable_turns_about_the_axis_that_is_up() -> None:
    """Passes turned by 60 degrees each about a tilted axis; the open base says which end is down."""
    points, normals = box(9000, (1, 1, 2))
    seen = normals[:, 2] > -0.5
    axis = TILTED @ [0, 0, 1]
    poses = [rigid.exponential(np.r_[axis * k, np.zeros(3)]) for k in (0.0, 1.0, 2.0, 3.0, 4.0)]
    up = found(points[seen] @ TILTED.T, normals[seen] @ TILTED.T, scans(), *poses)
    assert (up.source, up.guess) == ("turntable axis", False)
    assert up.axis @ axis > 0.99


def test_passes_turned_in_all_ways_were_on_no_turntable() -> None:
    points, normals = box(9000, (1, 1, 2))
    up = found(points, normals, scans(), *map(pose, (np.eye(3), TURN, TILTED, TURN @ TILTED)))
    assert up.source == "resting"


def test_frames_stand_as_their_cameras_were_held() -> None:
    """A picture's upper edge is up: -y of the camera."""
    points, normals = box(2000, (3, 3, 3))
    up = found(points, -normals, scans(picture="a.png", camera=(1.0, 1, 0, 0)), pose(TILTED))
    assert (up.source, up.guess) == ("cameras", False)
    assert up.axis @ (TILTED @ [0, -1, 0]) > 0.99
