"""Damaged pictures: read, or refused in words; never anything else, and never for long."""

from __future__ import annotations

import io
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pipeline.errors import InputRejected
from pipeline.geometry.readers.picture import read
from tests.support.pictures import SAVED_AS, encoded, figure
from tests.unit.geometry.readers.test_fuzz import mutated

RGB = figure(48, 64)[0]
SLOWEST = 10.0  # CPU seconds for one small picture: other work on the machine is no matter


def deep(**more: object) -> bytes:
    held = io.BytesIO()
    values = RGB.astype(np.uint16) * 257
    if more.get("planarconfig") == "separate":
        values = np.ascontiguousarray(np.moveaxis(values, 2, 0))
    tifffile.imwrite(held, values, photometric="rgb", **more)  # type: ignore[arg-type]
    return held.getvalue()


FILES: dict[str, Callable[[], bytes]] = {
    **{kind: (lambda kind=kind: encoded(RGB, kind)) for kind in (*SAVED_AS, "heic")},  # type: ignore[misc]
    "deep.tiff": deep,
    "planes.tiff": lambda: deep(planarconfig="separate"),
    "packed.tiff": lambda: deep(compression="zlib", predictor=True),
}


def storm(folder: Path, name: str, rounds: int) -> None:
    data, dice, path = FILES[name](), random.Random(name), folder / "front.png"
    for _ in range(rounds):
        path.write_bytes(mutated(data, dice))
        start = time.process_time()
        try:
            image = read(path, path.name, lambda text: None)
        except InputRejected as refusal:
            assert refusal.remedy
            assert path.name in refusal.message
            assert not re.search(r"\b\w+Error\b", refusal.message)
        else:
            assert image.mode == "RGBA"
            assert max(image.size) <= 2048
        assert time.process_time() - start < SLOWEST


@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_picture_is_read_or_refused_in_words(name: str, tmp_path: Path) -> None:
    storm(tmp_path, name, 40)


@pytest.mark.proof
@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore")
def test_ten_thousand_damaged_pictures_of_each_format(name: str, tmp_path: Path) -> None:
    storm(tmp_path, name, 10_000)
