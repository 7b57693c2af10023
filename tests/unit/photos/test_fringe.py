"""A rim of sky along an outline is no part of a thing; what only looks a little like it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipeline.stages.photos import _fringe

y, x = np.mgrid[:160, :200]
AWAY = np.hypot(x - 100, y - 80)  # pixels from the middle of a disc


def pictured(background: Any, reach: int) -> tuple[Any, Any]:
    """A speckled disc of 50 pixels before BACKGROUND, and what was confirmed: REACH pixels more, with gaps."""
    rng = np.random.default_rng(1)
    picture = rng.normal(1, 0.12, (160, 200, 3)) * (90, 70, 50)
    picture[AWAY > 50] = background if background is not None else picture[AWAY > 50]
    keep = (50 + reach > AWAY) & (rng.random(AWAY.shape) > 0.2)
    return keep, np.clip(picture, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("background", [(205, 215, 235), (30, 30, 34)])
def test_a_rim_of_the_background_is_told_from_the_thing(background: Any) -> None:
    keep, picture = pictured(background, 4)
    rim = _fringe.along(keep, picture)
    assert rim[keep & (AWAY > 51)].mean() > 0.97
    assert rim[keep & (AWAY < 49)].mean() < 0.003


def test_where_the_background_is_no_plain_other_colour_nothing_is_taken_away() -> None:
    """A thing before a wall like itself, and one whose outline is not seen."""
    assert not _fringe.along(*pictured(None, 4)).any()
    assert not _fringe.along(*pictured((90, 70, 52), 4)).any()
    assert not _fringe.along(*pictured((205, 215, 235), 300)).any()


def test_a_plain_place_inside_a_thing_is_its_own() -> None:
    """A roof of slate that nobody could measure eats nothing of the gutters around it."""
    keep, picture = pictured((205, 215, 235), 0)
    inside = AWAY < 20
    picture[inside], keep[inside] = (25, 30, 45), False
    keep[(AWAY < 20) & (AWAY > 16)] = True
    rim = _fringe.along(keep, picture)
    assert not rim[AWAY < 40].any()
