"""A film beside photographs is not used, and it is said that its frames would help."""

from __future__ import annotations

from pathlib import Path

import pytest

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
