"""A picture on the ground that a network knows, and its views on white again."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.backends import grounds, zero123plus
from tests.support import solids


@pytest.mark.parametrize("ground", [127, 255])
def test_the_background_becomes_white_and_the_object_stays(ground: int) -> None:
    rgb = np.full((40, 40, 3), ground, np.uint8)
    rgb[10:30, 10:30] = (200, 40, 30)
    rgb[18:22, 18:22] = (
        ground  # a spot of the background's colour inside the object is no background
    )
    white = grounds.on_white(rgb, ground)
    assert (white[:5] == 255).all()
    np.testing.assert_array_equal(white[10:30, 10:30], rgb[10:30, 10:30])


def test_the_picture_is_laid_on_the_grey_that_the_model_knows() -> None:
    rgba = solids.cut_out(solids.SOLIDS["torus"], [0.0], size=48)[0].rgba
    for name, grey in zero123plus.GROUNDS.items():
        assert (grounds.on_ground(rgba, grey)[0, 0] == grey).all(), name
