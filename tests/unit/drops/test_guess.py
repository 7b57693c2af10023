"""What a drop without a job.toml is, is guessed by what it holds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import InputRejected
from tests.unit.drops.test_kind import JPG, MESH, POINTS, drop, picture


def test_passes_come_in_natural_order(tmp_path: Path) -> None:
    """pass_2 is before pass_10, as a person counts."""
    assert drop(tmp_path, {f"pass_{k}.ply": POINTS for k in (10, 2, 1)}).used == [
        "pass_1.ply",
        "pass_2.ply",
        "pass_10.ply",
    ]


def test_one_mesh_beside_passes_is_not_used_and_named(tmp_path: Path) -> None:
    """It is more often an older result than a pass; the note says how to use it."""
    found = drop(tmp_path, {"a.ply": POINTS, "b.ply": POINTS, "result.ply": MESH})
    assert found.used == ["a.ply", "b.ply"]
    assert "result.ply" in found.notes[0]
    found = drop(
        tmp_path,
        {"a.ply": POINTS, "b.ply": POINTS, "result.ply": MESH, "job.toml": b'kind = "scan"'},
    )
    assert found.used == ["a.ply", "b.ply", "result.ply"]


def test_some_names_of_sides_among_photographs_are_told(tmp_path: Path) -> None:
    """They were all said to have none; likewise those with transparency."""
    clear = io.BytesIO()
    Image.new("RGBA", (8, 8)).save(clear, "PNG")
    files = {f"IMG_{k}.jpg": JPG for k in range(3)} | {
        "front.jpg": JPG,
        "cut.png": clear.getvalue(),
    }
    found = drop(tmp_path, files)
    assert found.kind == "scan"
    told = "only front.jpg named by a side, only cut.png with transparency: photos of a scan"
    assert told in found.notes[0]


def test_three_or_more_pictures_without_sides_are_a_scan_of_photos(tmp_path: Path) -> None:
    """Of one camera, of several, without EXIF: and it is said, with the line that would make them views."""
    one = {f"{k}.jpg": picture("JPEG", "Canon", "EOS R5") for k in range(3)}
    other = one | {"3.jpg": picture("JPEG", "Nikon", "Z9")}
    unknown = {f"{k}.jpg": JPG for k in range(3)}
    for number, photos in enumerate((one, other, unknown)):
        found = drop(tmp_path / str(number), photos)
        assert (found.kind, len(found.used)) == ("scan", len(photos))
        assert "photos of a scan" in found.notes[0] and 'kind = "images"' in found.notes[0]


def test_a_list_of_the_cameras_places_goes_with_photos(tmp_path: Path) -> None:
    """Rows of numbers beside photos are no scan where their name says what they are."""
    photos = {f"{k}.jpg": JPG for k in range(3)}
    for name, text in (
        ("poses.csv", "0, 1, 2, 3\n1, 1, 2, 4\n2, 1, 2, 5\n"),
        ("transforms.json", "{}"),
    ):
        found = drop(tmp_path / name, photos | {name: text.encode()})
        assert (found.kind, found.not_used) == ("scan", [])
        assert name in found.used
    asked = photos | {"poses.csv": b"0, 1, 2, 3\n", "job.toml": b'kind = "scan"\n'}
    assert "poses.csv" in drop(tmp_path / "asked", asked).used


def test_masks_and_distances_go_with_photos(tmp_path: Path) -> None:
    """They are no photos themselves: two of these with their masks are too few."""
    photos = {f"{k}.jpg": JPG for k in range(3)}
    beside = {
        "0_mask.png": JPG,
        "masks/1.jpg.png": JPG,
        "distances.txt": b"A 0.jpg 1 2\nA B 3 mm\n",
    }
    found = drop(tmp_path / "three", photos | beside)
    assert (found.kind, found.not_used) == ("scan", [])
    assert set(found.used) == {*photos, *beside}
    assert "3 pictures" in found.notes[0] and "2 masks" in found.notes[0]
    two = {"0.jpg": JPG, "1.jpg": JPG, "0_mask.png": JPG, "1_mask.png": JPG}
    with pytest.raises(InputRejected, match="2 images, which may be views") as caught:
        drop(tmp_path / "two", two)
    assert "a scan takes three or more" in caught.value.remedy


def test_masks_are_no_views_of_an_object(tmp_path: Path) -> None:
    """As images they were sides of the thing, black and white."""
    files = {"front.jpg": JPG, "front_mask.png": JPG, "job.toml": b'kind = "images"\n'}
    found = drop(tmp_path, files)
    assert (found.used, found.not_used) == (["front.jpg"], ["front_mask.png"])
    assert "front_mask.png: masks are not used of images" in found.notes[0]


def test_pictures_with_transparency_are_views_of_one_object(tmp_path: Path) -> None:
    """They are cut out already. One of them among photos changes nothing."""
    clear = png_with_alpha()
    assert drop(tmp_path / "all", {f"{k}.png": clear for k in "abc"}).kind == "images"
    mixed = drop(tmp_path / "one", {"a.png": clear, "b.jpg": JPG, "c.jpg": JPG})
    assert mixed.kind == "scan"


def png_with_alpha() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (32, 32), (200, 10, 10, 0)).save(file, "PNG")
    return file.getvalue()


def test_a_photo_series_with_azimuth_like_numbers_is_not_views(tmp_path: Path) -> None:
    """045.jpg in a series of a hundred photos is the forty-fifth photo."""
    found = drop(
        tmp_path, {f"{k:03}.jpg": picture("JPEG", "Canon", "EOS R5") for k in range(44, 48)}
    )
    assert (found.kind, len(found.used)) == ("scan", 4)


def test_meshes_of_several_names_are_passes_and_that_is_said(tmp_path: Path) -> None:
    """One name in several formats is one model."""
    files = {"a.stl": b"solid a\nendsolid a\n", "b.stl": b"solid b\nendsolid b\n"}
    found = drop(tmp_path, files)
    assert (found.kind, found.used) == ("scan", ["a.stl", "b.stl"])
    assert "2 meshes: taken as passes of one scan" in found.notes[0]
