"""A JPEG of more pixels than are read is read at half its size; other large pictures are refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputRejected
from pipeline.formats.refusals import Source
from pipeline.geometry.readers import opening, picture
from pipeline.stages.photos import _pictures
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
WIDE, HIGH = 160, 120


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a picture of 160 × 120 instead of one of 200 megapixels."""
    monkeypatch.setattr(opening, "MOST_PIXELS", WIDE * HIGH // 2)
    monkeypatch.setattr(opening, "MOST_JPEG", WIDE * HIGH)
    # Pillow's own, which refuses to open twice as many
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDE * HIGH // 4)


def file(path: Path, kind: str = "JPEG", wide: int = WIDE, **how: object) -> Path:
    x, y = np.meshgrid(np.arange(wide), np.arange(HIGH))
    ramp = np.stack([x * 255 // wide, y * 255 // HIGH, 0 * x], -1).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(ramp).save(out, kind, **{"quality": 95} | how)
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("how", [{}, {"progressive": True}])
def test_a_large_jpeg_is_read_at_half_its_size(tmp_path: Path, how: dict[str, bool]) -> None:
    """Every place of it where it was, and it is said."""
    said: list[str] = []
    image = picture.read(file(tmp_path / "a.jpg", **how), "a.jpg", said.append, longest=None)
    assert image.size == (WIDE // 2, HIGH // 2)
    values = np.asarray(image, float)
    x, y = np.meshgrid(np.arange(WIDE // 2), np.arange(HIGH // 2))
    assert np.abs(values[..., 0] - (2 * x + 0.5) * 255 / WIDE).max() < 8
    assert np.abs(values[..., 1] - (2 * y + 0.5) * 255 / HIGH).max() < 8
    assert said == ["a.jpg has 160 × 120 pixels: it is read at half that size."]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("kind", "wide"), [("PNG", WIDE), ("JPEG", WIDE + 8)])
def test_what_is_larger_still_is_refused(tmp_path: Path, kind: str, wide: int) -> None:
    with pytest.raises(InputRejected, match="pixels") as refused:
        picture.read(file(tmp_path / "a", kind, wide), "a", lambda _: None, longest=None)
    assert refused.value.remedy == "Give a smaller copy of it."


@pytest.mark.usefixtures("small")
def test_a_large_photograph_keeps_its_lens_and_its_places(tmp_path: Path, workspace: Make) -> None:
    """EXIF is read though Pillow refuses to open it; a place marked in it is where it was."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 27
    exif[0x0112] = 6
    source = Source("a.jpg", file(tmp_path / "a.jpg", exif=exif))
    (photo,), left_out = _pictures.read([source], {}, 1600, workspace(kind="scan"))
    assert not left_out and photo.stored == (WIDE, HIGH) and photo.size == (WIDE // 2, HIGH // 2)
    assert photo.focal == pytest.approx(27 / 36 * WIDE / 2) and photo.turned == 6
    assert photo.stored_place((30.0, 100.0)) == (50.0, 45.0)
