"""Which of many photographs are compared: those that show the same, whatever they are called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.stages.photos import _pairs
from pipeline.stages.photos._pairs import worth_comparing

COUNT, EACH, STEP = 30, 60, 12  # photographs; features of one; how many the next one does not see


def entered(folder: Path, names: list[str]) -> Path:
    """A database of photographs taken around something, in the order of NAMES: each sees most of
    what those beside it see, and only that."""
    import pycolmap

    rng = np.random.default_rng(3)
    all_around = rng.gamma(0.4, size=(COUNT * STEP, 128))
    all_around *= 512 / np.linalg.norm(all_around, axis=1, keepdims=True)
    file = folder / "features.db"
    opened = pycolmap.Database.open(file)
    camera = pycolmap.Camera.create_from_model_id(
        1, pycolmap.CameraModelId.SIMPLE_RADIAL, 500.0, 640, 480
    )
    opened.write_camera(camera)
    kind = pycolmap.FeatureExtractorType.SIFT
    for number, name in enumerate(names):
        key = opened.write_image(pycolmap.Image(name=name, camera_id=1))
        which = (number * STEP + np.arange(EACH)) % len(all_around)
        seen = np.clip(all_around[which] + rng.normal(0, 4, (EACH, 128)), 0, 255).astype(np.uint8)
        shapes = np.tile([3.0, 0, 0, 3.0], (EACH, 1))
        places = np.column_stack([rng.random((EACH, 2)) * 400, shapes]).astype(np.float32)
        opened.write_keypoints(key, places)
        opened.write_descriptors(key, pycolmap.FeatureDescriptors(kind, seen))
    opened.close()
    return file


@pytest.mark.slow
def test_neighbours_are_found_whatever_they_are_called(tmp_path: Path) -> None:
    """Names in another order than the photographs were taken: all that share half of what they see are compared, and far from all pairs."""
    order = np.random.default_rng(1).permutation(COUNT)
    names = [f"IMG_{number:04}.jpg" for number in order]  # as they stand beside each other
    chosen = worth_comparing(sorted(names), entered(tmp_path, names))
    for number in range(COUNT):
        for step in (1, 2):
            pair = sorted((names[number], names[(number + step) % COUNT]))
            assert tuple(pair) in chosen
    assert len(chosen) < 0.6 * COUNT * (COUNT - 1) / 2
    assert chosen == sorted(set(chosen)) and all(a < b for a, b in chosen)


def test_one_thread_and_two_choose_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is compared are whole numbers, so sums are the same in any order."""
    names = [f"{number:02}.jpg" for number in range(COUNT)]
    file, found = entered(tmp_path, names), []
    for cores in ({0}, {0, 1}):
        with monkeypatch.context() as patch:
            patch.setattr(os, "sched_getaffinity", lambda _, cores=cores: cores)
            found.append(_pairs.likeness(_pairs._largest(names, file, 50)))
    assert found[0].max() > 20 and (found[0] == found[1]).all()


def test_few_are_all_compared_and_blank_ones_are_no_hindrance(tmp_path: Path) -> None:
    """Up to twenty each with each; a photograph without features matches nothing."""
    names = [f"{number:02}.jpg" for number in range(_pairs.EXHAUSTIVE)]
    count = len(names)
    assert len(worth_comparing(names, tmp_path / "none.db")) == count * (count - 1) // 2
    some: Any = np.full((4, 128), 45.0, np.float32)
    assert _pairs.likeness([some, some[:0], some[:1]]).sum() == 0
