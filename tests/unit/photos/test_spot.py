"""Photographs that were taken from one spot: no model is made up from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import NoOverlap
from pipeline.geometry.rigid import Array
from pipeline.stages.photos import _spot
from pipeline.stages.photos._spot import Pair
from tests.support import photographs
from tests.unit.photos.conftest import SIZE, run_stages

FOCAL, WIDE, HIGH = 1200.0, 1600, 1200


def pair(aside: float, degrees: float, told: float = FOCAL, bend: float = 0.0) -> Pair:
    """What two cameras see of points 2 to 4 m away, the second one ASIDE metres and turned; TOLD is
    what EXIF says of the lens."""
    rng = np.random.default_rng(7)
    points = rng.uniform([-1.5, -1, 2], [1.5, 1, 4], (200, 3))
    turn = photographs.look(np.zeros(3), np.array([np.sin(np.radians(degrees)), 1, 0]))[:3, :3]
    turn = turn @ photographs.look(np.zeros(3), np.array([0, 1.0, 0]))[:3, :3].T
    seen: list[Array] = []
    for local in (points, (points - [aside, 0, 0]) @ turn.T):
        flat = local[:, :2] / local[:, 2:]
        flat *= 1 + bend * (flat**2).sum(1, keepdims=True)
        seen.append(flat * FOCAL + rng.normal(0, 0.5, (200, 2)))
    return Pair(seen[0], seen[1], (told, told), WIDE)


@pytest.mark.parametrize("told, bend", [(FOCAL, 0.0), (0.6 * FOCAL, 0.0), (FOCAL, -0.08)])
def test_a_camera_that_only_turned_is_found_out(told: float, bend: float) -> None:
    """Whatever EXIF says of the lens, and though it bends a little."""
    assert _spot.turned([pair(0.0, turn, told, bend) for turn in (4, 8, 12)])


@pytest.mark.parametrize("turn", [0, 6])
def test_a_camera_that_moved_is_none(turn: float) -> None:
    """A step of a twentieth of the distance is enough, if only some of the pairs show it."""
    steps = [pair(aside, turn) for aside in (0.05, 0.15, 0.0, 0.0)]
    assert not _spot.turned(steps)


@pytest.mark.slow
@pytest.mark.parametrize("told", [None, pytest.param(39, marks=pytest.mark.proof)])
def test_photographs_from_one_spot_are_refused_with_words(told: int | None, tmp_path: Path) -> None:
    """Without EXIF five of these eight would be placed to a tenth of a pixel, around a shape that is none."""
    scene, eye = photographs.Scene(), np.array([0.9, 0, 0.4])
    photos = {}
    for number in range(5):
        way = np.radians(152 + 14 * number)
        pose = photographs.look(eye, eye + np.array([np.cos(way), np.sin(way), -0.35]))
        photos[f"{number}.jpg"] = photographs.jpeg(scene.photo(pose, SIZE), focal_35=told)
    drop = photographs.drop(tmp_path / "drop", photos)
    with pytest.raises(NoOverlap, match="all from one spot") as caught:
        run_stages(drop, tmp_path / "work", "photos.find_cameras")
    assert "step aside" in caught.value.remedy and 'kind = "images"' in caught.value.remedy
