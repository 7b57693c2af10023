"""More than 8 bits a channel become 8 by what they can hold; a guess is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.pictures import as_read, figure


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_sixteen_bits_are_scaled_by_what_they_can_hold(
    suffix: str, channels: int, tmp_path: Path
) -> None:
    """Grey, RGB and RGBA; the picture holds neither black nor white, and keeps its tones."""
    import cv2

    rgb, mask = figure(48, 64)
    full = (
        np.dstack([rgb, np.where(mask, 255, 0).astype(np.uint8)])
        if channels == 4
        else rgb
        if channels
        else rgb[..., 0]
    )
    order = [2, 1, 0, 3][:channels]
    deep = full[..., order] if channels else full
    cv2.imwrite(str(tmp_path / f"deep.{suffix}"), deep.astype(np.uint16) * 257)
    rgba, said = as_read(tmp_path, (tmp_path / f"deep.{suffix}").read_bytes())
    expected = full[..., :3] if channels else np.repeat(full[..., None], 3, axis=2)
    assert np.abs(rgba[..., :3].astype(int) - expected).max() <= 1
    assert (rgba[..., 3] == (full[..., 3] if channels == 4 else 255)).all()
    assert said == []


@pytest.mark.parametrize(
    ("factor", "kind", "word"),
    [(16, np.uint16, "4095"), (1 / 255, np.float32, None), (257, np.float32, "65535")],
)
def test_fewer_bits_and_floats_keep_their_tones_and_a_guess_is_said(
    factor: float, kind: Any, word: str | None, tmp_path: Path
) -> None:
    grey = figure(48, 64)[0][..., 0].astype(float)
    grey[0, :8] = 255
    Image.fromarray((grey * factor).astype(kind)).save(tmp_path / "a.tif")
    rgba, said = as_read(tmp_path, (tmp_path / "a.tif").read_bytes())
    assert np.abs(rgba[..., 0] - grey).max() <= 2
    assert (word is None) == (said == [])
    assert word is None or word in said[0]
