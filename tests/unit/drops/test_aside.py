"""Photographs beside scan passes or a mesh are no part of the job, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.drops.test_kind import MESH, OBJ, PNG, POINTS, drop, picture

SHOT = picture("JPEG", "Maker", "Phone")
PHOTOS = {f"IMG_{k}.jpg": SHOT for k in range(3)}
SCAN = {"job.toml": b'kind = "scan"'}


@pytest.mark.parametrize(
    "files, beside",
    [
        ({"a.ply": POINTS, "b.ply": POINTS}, "scan passes"),
        ({"a.ply": MESH} | SCAN, "scan passes"),
        ({"a.ply": MESH}, "a mesh"),
        ({"a.obj": OBJ}, "a mesh"),
    ],
)
def test_photographs_beside_what_is_made_are_named(
    tmp_path: Path, files: dict[str, bytes], beside: str
) -> None:
    """A leftover mesh made a job of photographs a conversion without a word."""
    notes = drop(tmp_path, PHOTOS | files).notes
    assert any(f"3 pictures beside {beside} are not used as photos" in note for note in notes)


def test_textures_and_photographs_alone_need_no_words(tmp_path: Path) -> None:
    """Nor does a picture beside passes."""
    textures = {f"{name}.png": PNG for name in ("colour map", "normal", "rough")}
    for number, files in enumerate(
        (PHOTOS, textures | {"a.obj": OBJ}, {"IMG_1.jpg": SHOT, "a.ply": POINTS, "b.ply": POINTS})
    ):
        notes = drop(tmp_path / str(number), files).notes
        assert not any("not used as photos" in note for note in notes)
