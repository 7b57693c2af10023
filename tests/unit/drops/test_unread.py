"""Films and raw files beside photographs are not used, and it is said what they would do."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputRejected
from pipeline.formats import pictures
from tests.unit.drops.test_kind import JPG, drop

FILM = b"\0\0\0\x18ftypmp42" + bytes(64)
PHOTOS = {f"IMG_{k}.jpg": JPG for k in range(3)}


@pytest.mark.parametrize("said", [{}, {"job.toml": b'kind = "scan"\n'}])
def test_a_film_beside_photographs_is_named_with_what_its_frames_would_do(
    tmp_path: Path, said: dict[str, bytes]
) -> None:
    """Whether the kind was guessed or asked for."""
    found = drop(tmp_path, PHOTOS | {"walk.MP4": FILM} | said)
    assert (found.kind, found.used, found.not_used) == ("scan", list(PHOTOS), ["walk.MP4"])
    assert any("walk.MP4" in note and "frames" in note for note in found.notes)


def test_the_moment_that_a_phone_keeps_with_a_photo_is_no_walk_around(tmp_path: Path) -> None:
    """A film of the name of a photo is named as that, and nothing is asked of the person."""
    found = drop(tmp_path, PHOTOS | {"IMG_1.mov": FILM})
    (note,) = (note for note in found.notes if "IMG_1.mov" in note)
    assert "go with photos of the same name" in note and "frames" not in note


def test_photographs_alone_hear_nothing_of_films(tmp_path: Path) -> None:
    assert len(drop(tmp_path, PHOTOS).notes) == 1


def test_a_film_beside_one_photo_or_two_is_told(tmp_path: Path) -> None:
    """One is an image of an object, two are nothing yet: the film would make a scan of them."""
    found = drop(tmp_path / "one", {"IMG_1.jpg": JPG, "walk.mp4": FILM})
    assert found.kind == "images" and any("walk.mp4" in note for note in found.notes)
    with pytest.raises(
        InputRejected, match=r"2 images.*walk\.mp4: films are not used; sharp frames"
    ):
        drop(tmp_path / "two", {"IMG_1.jpg": JPG, "IMG_2.jpg": JPG, "walk.mp4": FILM})


def test_raw_files_are_told_and_never_taken_for_pictures(tmp_path: Path) -> None:
    """Those of photos that are there, and those that stand alone; of whatever maker."""
    raw = {f"IMG_{k}{suffix}": b"II*\0" + bytes(60) for k, suffix in enumerate(pictures.RAW)}
    found = drop(tmp_path / "both", PHOTOS | raw)
    assert found.used == list(PHOTOS) and set(found.not_used) == set(raw)
    alone, together = (note for note in found.notes if "raw files" in note)
    assert "IMG_3" in alone and "saved as JPEG" in alone and "IMG_0" not in alone
    assert "IMG_0" in together and "IMG_3" not in together
    with pytest.raises(InputRejected, match="a camera's raw file, which is not read"):
        drop(tmp_path / "alone", raw)
