"""A picture is read as a person sees it, whatever its format; what was not used of it is said."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.errors import InputRejected
from pipeline.formats import pictures
from pipeline.geometry.readers import picture
from tests.support.pictures import (
    ADOBE_RGB,
    BLUE,
    DISPLAY_P3,
    GREY,
    HEIC,
    RED,
    as_read,
    encoded,
    figure,
)


def shows_the_figure(rgba: Any, within: int) -> None:
    place = np.array([(6, 8), (24, 24), (24, 40)])
    found = rgba[place[:, 0], place[:, 1], :3].astype(int)
    assert np.abs(found - [GREY, RED, BLUE]).max() <= within, found


@pytest.mark.parametrize("kind", list(pictures.KINDS))
@pytest.mark.parametrize("name", ["front.png", "front"])
def test_every_format_is_read_under_any_name(kind: str, name: str, tmp_path: Path) -> None:
    rgba, said = as_read(tmp_path, encoded(figure(48, 64)[0], kind), name)
    shows_the_figure(rgba, 20 if kind in ("jpeg", "heic", "avif", "webp") else 2)
    assert (
        said
        == [f"{name} has only 64 × 48 pixels: the model cannot show more."][: max(rgba.shape) < 64]
    )


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "avif", "avif called heic"])
def test_what_the_camera_says_is_read_whatever_the_format(kind: str, tmp_path: Path) -> None:
    """Its model, its lens and how it was held, whatever the file is called."""
    exif = Image.Exif()
    exif[0x0110] = "Phone"
    exif.get_ifd(0x8769)[0xA405] = 27
    exif[0x0112] = 3
    data = encoded(figure(48, 64)[0], kind.split()[0], exif=exif)
    if "called" in kind:
        data = data[:8] + b"heic" + data[12:]
    (tmp_path / "photo.heic").write_bytes(data)
    found = picture.exif(tmp_path / "photo.heic")
    assert (found[0x0110], found[0xA405], found[0x0112]) == ("Phone", 27, 3)


def test_of_what_has_no_exif_or_is_no_picture_nothing_is_said(tmp_path: Path) -> None:
    for data in (HEIC, encoded(figure(48, 64)[0], "png"), b"\xff\xd8\xffExif\0\0II*\0", b"text"):
        (tmp_path / "a.jpg").write_bytes(data)
        assert picture.exif(tmp_path / "a.jpg").get(0x0110) is None


def test_an_avif_that_calls_itself_heic_is_read(tmp_path: Path) -> None:
    avif = encoded(figure(48, 64)[0], "avif")
    shows_the_figure(as_read(tmp_path, avif[:8] + b"heic" + avif[12:])[0], 20)
    shows_the_figure(as_read(tmp_path, HEIC)[0], 20)


@pytest.mark.parametrize("how", [{"progressive": True}, {"mode": "CMYK"}, {"mode": "L"}])
def test_other_jpegs_are_read(how: dict[str, Any], tmp_path: Path) -> None:
    out = io.BytesIO()
    image = Image.fromarray(figure(48, 64)[0]).convert(how.pop("mode", "RGB"))
    image.save(out, "JPEG", quality=95, **how)
    rgba, _ = as_read(tmp_path, out.getvalue())
    if image.mode == "L":
        assert (
            np.abs(rgba[..., :3].astype(int) - np.asarray(image).astype(int)[..., None]).max() < 20
        )
    else:
        shows_the_figure(rgba, 20)


def with_chunk(png: bytes, kind: bytes, data: bytes) -> bytes:
    """PNG with a chunk behind its header."""
    sums = struct.pack(">I", zlib.crc32(kind + data))
    return png[:33] + struct.pack(">I", len(data)) + kind + data + sums + png[33:]


@pytest.mark.parametrize(("gamma", "shown"), [(100_000, 188), (45_455, 128), (55_556, 146)])
def test_the_gamma_of_a_png_without_a_profile_counts(
    gamma: int, shown: int, tmp_path: Path
) -> None:
    """Linear light is what renderers write; the usual gamma changes nothing, and alpha none."""
    image = Image.new("RGBA", (64, 64), (128, 128, 128, 128))
    held = io.BytesIO()
    image.save(held, "png")
    png = with_chunk(held.getvalue(), b"gAMA", struct.pack(">I", gamma))
    rgba, said = as_read(tmp_path, png)
    assert rgba[9, 9].tolist() == [shown, shown, shown, 128]
    assert said == []
    srgb, _ = as_read(tmp_path, with_chunk(png, b"sRGB", b"\0"))
    assert srgb[9, 9, 0] == 128


def test_a_png_that_says_its_colours_by_numbers_is_told(tmp_path: Path) -> None:
    """Display P3 by cICP; sRGB so said is no matter."""
    png = encoded(figure(48, 64)[0], "png")
    shown, said = as_read(tmp_path, with_chunk(png, b"cICP", bytes([12, 13, 0, 1])))
    shows_the_figure(shown, 0)
    assert "numbers 12 and 13 (cICP)" in said[0]
    assert as_read(tmp_path, with_chunk(png, b"cICP", bytes([1, 13, 0, 1])))[1] == []


@pytest.mark.parametrize("profile", [DISPLAY_P3, ADOBE_RGB])
def test_colours_of_a_wide_profile_become_srgb(profile: bytes, tmp_path: Path) -> None:
    """The same numbers mean a stronger red there; a profile that makes no sense is said."""
    plain = as_read(tmp_path, encoded(figure(48, 64)[0], "png"))[0]
    wide, said = as_read(tmp_path, encoded(figure(48, 64)[0], "png", icc_profile=profile))
    assert said == []
    assert wide[24, 24, 0] > plain[24, 24, 0] + 10
    assert np.abs(wide[6, 8].astype(int) - plain[6, 8]).max() <= 2  # grey stays grey
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = as_read(tmp_path, encoded(figure(48, 64)[0], "jpeg", icc_profile=srgb))[0]
    shows_the_figure(same, 20)
    shown, said = as_read(tmp_path, encoded(figure(48, 64)[0], "png", icc_profile=b"nonsense"))
    shows_the_figure(shown, 0)
    assert "colour profile of front.png cannot be used" in said[0]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "tiff"])
def test_a_turned_picture_is_turned_back_in_every_format(kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(figure(48, 64)[0])
    shows_the_figure(
        as_read(tmp_path, encoded(np.ascontiguousarray(turned), kind, exif=exif))[0], 20
    )


@pytest.mark.parametrize(
    ("kind", "word"),
    [("gif", "3 frames"), ("tiff", "3 pages"), ("webp", "3 frames"), ("png", "3 frames")],
)
def test_of_several_frames_the_first_is_used_and_that_is_said(
    kind: str, word: str, tmp_path: Path
) -> None:
    first = figure(48, 64)[0]
    more = [Image.fromarray(np.full_like(first, shade)) for shade in (0, 255)]
    rgba, said = as_read(tmp_path, encoded(first, kind, save_all=True, append_images=more))
    shows_the_figure(rgba, 20)
    assert said == [f"front.png holds {word}: only the first is used."]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded(np.zeros((1, 1, 3), np.uint8), "png"), "has 1 × 1 pixels, which is too small"),
        (
            encoded(figure()[0], "png")[:200],
            "cannot be read as a PNG image: it is damaged or cut off",
        ),
        (b"8BPS" + bytes(40), "is no picture that can be read"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputRejected) as refused:
        as_read(tmp_path, data)
    assert words in refused.value.message
    assert "Error" not in refused.value.message
