"""TIFF of more than 8 bits, in every layout: its colours, its turn, its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from pipeline.errors import InputRejected
from pipeline.geometry.readers.picture import read
from tests.support.pictures import DISPLAY_P3, as_read, encoded, figure


@pytest.mark.parametrize(
    ("kind", "white", "more"),
    [
        ("f2", 1, {}), ("f4", 1, {}), ("f8", 1, {}), ("f4", 1, {"bigtiff": True}), ("u2", 65535, {"byteorder": ">"}),
        ("i2", 32767, {}), ("u4", 2**32 - 1, {}), ("u2", 65535, {"planarconfig": "separate"}), ("f4", 1, {"planarconfig": "separate"}),
        ("u2", 65535, {"compression": "zlib", "predictor": True}), ("u1", 255, {"planarconfig": "separate"}),
    ],
)  # fmt: skip
def test_tiff_of_any_depth_and_layout_keeps_its_colours(
    kind: str, white: int, more: dict[str, Any], tmp_path: Path
) -> None:
    rgb = figure(48, 64)[0]
    values = (rgb * (white / 255)).astype(kind)
    if "planarconfig" in more:
        values = np.ascontiguousarray(np.moveaxis(values, 2, 0))
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", **more)
    rgba, said = as_read(tmp_path, (tmp_path / "a.tif").read_bytes())
    assert np.abs(rgba[..., :3].astype(int) - rgb).max() <= 2
    assert said == []


@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_tiff_whose_white_is_zero_is_no_negative(kind: str, tmp_path: Path) -> None:
    grey, white = figure(48, 64)[0][..., 0], 1 if kind == "f4" else np.iinfo(kind).max
    values = ((255 - grey.astype(float)) * (white / 255)).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    rgba, _ = as_read(tmp_path, (tmp_path / "a.tif").read_bytes())
    assert np.abs(rgba[..., 0].astype(int) - grey).max() <= 2


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_deep_tiff_is_turned_once(turned: int, planes: str, tmp_path: Path) -> None:
    rgb = figure(48, 64)[0].astype(np.uint16) * 257
    values = np.ascontiguousarray(np.moveaxis(rgb, 2, 0)) if planes == "separate" else rgb
    more = {"photometric": "rgb", "planarconfig": planes, "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", values, extratags=[(274, "H", 1, turned, True)], **more)
    shown = Image.fromarray((rgb // 257).astype(np.uint8))
    plain = np.asarray(read(tmp_path / "a.tif", "a.tif", print, upright=False).convert("RGB"))
    upright = as_read(tmp_path, (tmp_path / "a.tif").read_bytes())[0][..., :3]
    shown.getexif()[274] = turned
    assert np.array_equal(plain, np.asarray(shown))
    assert np.array_equal(upright, np.asarray(ImageOps.exif_transpose(shown)))


def test_deep_tiff_is_turned_converted_and_its_further_pages_are_said(tmp_path: Path) -> None:
    """And colours that are no red, green and blue are refused by their name."""
    rgb = figure(48, 64)[0].astype(np.uint16) * 257
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        more = {"photometric": "rgb", "metadata": None, "iccprofile": DISPLAY_P3}
        file.write(rgb[::2, ::2], subfiletype=1, **more)
        file.write(rgb[::-1, ::-1], extratags=[(274, "H", 1, 3, True)], **more)
        file.write(rgb, **more)
    rgba, said = as_read(tmp_path, (tmp_path / "a.tif").read_bytes())
    plain = as_read(tmp_path, encoded(figure(48, 64)[0], "png", icc_profile=DISPLAY_P3))[0]
    assert np.abs(rgba.astype(int) - plain).max() <= 1
    assert said == ["front.png holds 2 pages: only the first is used."]
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((48, 64, 4), np.uint16), photometric="separated")
    with pytest.raises(InputRejected, match="SEPARATED colours of 16 bits"):
        as_read(tmp_path, (tmp_path / "b.tif").read_bytes())


@pytest.mark.parametrize("more", [{}, {"planarconfig": "separate"}, {"dtype": "f2"}])
@pytest.mark.parametrize("end", [-3000, -1])
def test_a_deep_tiff_that_is_cut_off_is_refused_and_not_filled_with_black(
    more: dict[str, Any], end: int, tmp_path: Path
) -> None:
    values = figure(48, 64)[0].astype(more.get("dtype", "u2"))
    if "planarconfig" in more:
        values = np.ascontiguousarray(np.moveaxis(values, 2, 0))
    path = tmp_path / "a.tif"
    laid = {key: value for key, value in more.items() if key != "dtype"}
    tifffile.imwrite(path, values, photometric="rgb", **laid)
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(InputRejected, match=r"a\.tif cannot be read as a TIFF image"):
        read(path, path.name, lambda text: None)


def test_strips_that_a_deep_tiff_lacks_are_no_black(tmp_path: Path) -> None:
    """The table of a damaged file says that two colours of three take no bytes."""
    path = tmp_path / "a.tif"
    planes = np.ascontiguousarray(np.moveaxis(figure(48, 64)[0].astype(np.uint16), 2, 0))
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    with tifffile.TiffFile(path, mode="r+") as held:
        held.pages[0].aspage().tags["StripByteCounts"].overwrite((6144, 0, 0))
    with pytest.raises(InputRejected, match=r"a\.tif cannot be read as a TIFF image"):
        read(path, path.name, lambda text: None)
