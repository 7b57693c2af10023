"""Tables of a few rows beside photographs do not make a drop of photographs one of points."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.formats.tables import FEWEST_POINTS
from tests.unit.drops.test_kind import JPG, MESH, drop

PHOTOS = {f"{k}.jpg": JPG for k in range(3)}
CAMERA = b"2905.9 0 1416\r\n0 2905.9 1064\r\n0 0 1"


@pytest.mark.parametrize("said", [{}, {"job.toml": b'kind = "scan"\n'}])
@pytest.mark.parametrize("name", ["K.txt", "gps.csv", "notes/size.txt"])
def test_photographs_with_a_small_table_are_photographs(
    tmp_path: Path, name: str, said: dict[str, bytes]
) -> None:
    """A camera's matrix, or places: the drop was refused as a pass of three points. It is said what they were not taken for."""
    found = drop(tmp_path, PHOTOS | {name: CAMERA} | said)
    assert (found.kind, found.used, found.not_used) == ("scan", [*PHOTOS], [name])
    assert any(name in note and "no pass of a scan" in note for note in found.notes)


def test_points_enough_for_a_pass_are_one_beside_photographs(tmp_path: Path) -> None:
    """And small tables that are alone, beside a whole one or beside two pictures stay what they were."""
    whole = b"0.1 0.2 0.3\n" * FEWEST_POINTS
    assert drop(tmp_path / "whole", PHOTOS | {"a.txt": whole}).used == ["a.txt"]
    both = drop(tmp_path / "both", PHOTOS | {"a.txt": whole, "K.txt": CAMERA})
    assert both.used == ["a.txt", "K.txt"]
    assert drop(tmp_path / "alone", {"K.txt": CAMERA}).used == ["K.txt"]
    two = dict(list(PHOTOS.items())[:2])
    assert drop(tmp_path / "two", two | {"K.txt": CAMERA}).used == ["K.txt"]


def test_a_model_with_its_pictures_is_none_of_points(tmp_path: Path) -> None:
    """A list of a few numbers beside a model and its textures made the model a pass."""
    found = drop(tmp_path, PHOTOS | {"a.ply": MESH, "size.txt": CAMERA})
    assert found.kind == "convert" and "size.txt" in found.not_used
