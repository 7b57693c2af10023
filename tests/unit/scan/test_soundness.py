"""A mesh is watertight when every edge has two faces that run along it in opposite ways, manifold when none has more."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.stages.scan import _surface

PYRAMID = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]], np.int32)
FLIPPED = np.r_[PYRAMID[:3], PYRAMID[3:, ::-1]]
FIN = np.r_[PYRAMID, [[0, 1, 4]]].astype(np.int32)


@pytest.mark.parametrize(
    ("faces", "sound"),
    [
        (PYRAMID, (True, True)),
        (PYRAMID[:3], (False, True)),
        (FLIPPED, (False, False)),
        (FIN, (False, False)),
    ],
    ids=["closed", "open", "one face turned over", "a fin on an edge"],
)
def test_soundness_of_a_mesh(faces: np.ndarray, sound: tuple[bool, bool]) -> None:
    assert _surface.soundness(np.zeros((5, 3)), faces) == sound
