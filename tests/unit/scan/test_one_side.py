"""Where the cameras of a model stand is said where it shows that passes may lie on each other."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.geometry import rigid
from pipeline.stages.scan import _one_side
from pipeline.stages.scan._graph import Group

BODY = np.random.default_rng(1).uniform(-0.3, 0.3, (400, 3))


def standing(
    turns: list[float], outside: bool = True, height: float = 0.8
) -> tuple[list[Any], Group]:
    """Passes whose cameras stand around a body, at so many degrees each; each in a frame of its
    own."""
    passes, poses = [], {}
    for k, turn in enumerate(turns):
        angle, own = np.radians(turn), rigid.exponential(np.array([0.3, 0.1, 0.7, 0, 0, 0.2]) * k)
        place = np.array([3 * np.cos(angle), 3 * np.sin(angle), height])
        poses[k] = rigid.invert(own)
        passes.append(
            SimpleNamespace(
                coarse=rigid.apply(own, BODY),
                camera=SimpleNamespace(place=rigid.apply(own, place[None])[0], outside=outside),
            )
        )
    return passes, Group(poses)


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ([36.0 * k for k in range(10)], None),
        ([30.0 * (k % 3) for k in range(12)], "12 of 12 placed passes look from the place"),
        ([(36.0 * k) % 90 for k in range(10)], "10 of 10 placed passes look from the place"),
        ([(39.0 * k) % 90 for k in range(8)], "all 8 placed passes look at one side"),
        ([0.0, 1.0, 120.0, 240.0], None),  # one of them scanned twice
        ([0.0, 30.0, 60.0, 90.0], None),  # a relief
        ([0.0, 14.0, 5.0, 25.0], "all 4 placed passes look at one side"),
        ([0.0, 14.0], None),
    ],
)
def test_cameras_that_do_not_stand_around_the_thing_are_told(
    turns: list[float], said: str | None
) -> None:
    passes, group = standing(turns)
    told = _one_side.tell(passes, group)
    assert (told is None) if said is None else (told is not None and told.startswith(said))
    assert sorted(group.doubts) == ([] if said is None else list(range(len(turns))))


def test_cameras_around_the_thing_may_look_down_on_it() -> None:
    """No two of five on a turntable, 35 degrees up, look from opposite sides."""
    assert _one_side.tell(*standing([72.0 * k for k in range(5)] + [30.0], height=2.1)) is None
    assert _one_side.tell(*standing([13.0 * k for k in range(6)], height=2.1)) is not None


def test_a_relief_has_one_side_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "BODY", BODY * [0.1, 1, 1])
    assert _one_side.tell(*standing([0.0, 14.0, 25.0])) is None


def test_scanners_that_stood_inside_say_nothing_of_sides() -> None:
    assert _one_side.tell(*standing([0.0] * 8, outside=False)) is None


def test_files_that_agree_with_one_side_are_no_proof_of_it() -> None:
    """Passes of a turntable, each in the frame of the camera that stood still."""
    passes, group = standing([30.0 * (k % 3) for k in range(12)])
    group.links = [SimpleNamespace(a=0, b=k, method="given") for k in range(1, 12)]  # type: ignore[misc]
    assert _one_side.tell(passes, group)
    assert all("place of another pass" in text for text in group.doubts.values())
