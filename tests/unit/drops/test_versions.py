"""A sync tool's second version of a file, or a double of it, is no pass and makes no scan of a mesh."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.drops import versions
from tests.unit.drops.test_kind import JPG, MESH, POINTS, drop, zipped

CONFLICTS = (
    "part (Anna's conflicted copy 2026-11-30).ply", "part (conflicted copy 2026-11-30 101112).ply", "part (Case Conflict 1).ply",
    "part (In Konflikt stehende Kopie von Anna 2026-11-30).ply", "part (Copie en conflit de Anna 2026-11-30).ply",
    "part (SFConflict anna@example.org 2026-11-30-10-11-12).ply", "part.sync-conflict-20261130-101112-ABCDEFG.ply",
    "part_conflict-20261130-101112.ply", "part_DESKTOP-7A_Nov-30-101112-2026_Conflict.ply", "part.Conflict.ply",
)  # fmt: skip
DOUBLES = (
    "part - Copy.ply", "part - Copy (2).ply", "part copy.ply", "part copy 2.ply", "part (1).ply", "part(1).ply", "Copy of part.ply",
    "part - Kopie.ply", "Kopie von part.ply", "PART (2).PLY",
)  # fmt: skip
GLB = b"glTF\x02\0\0\0" + bytes(4)
OTHER = MESH.replace(b"0 1 0", b"0 2 0")


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_second_version_is_left_out_and_said(tmp_path: Path, name: str) -> None:
    """Nobody knows which of two states counts; the one that bears the name is made, and the note names the other."""
    found = drop(tmp_path, {"part.ply": MESH, name: OTHER})
    assert (found.kind, found.used, found.not_used) == ("convert", ["part.ply"], [name])
    (note,) = found.notes
    assert f"{name} (of part.ply)" in note and "second version" in note


@pytest.mark.parametrize("name", DOUBLES)
def test_a_double_is_left_out_where_its_bytes_are_the_same(tmp_path: Path, name: str) -> None:
    """Else it is another scan that a browser numbered."""
    found = drop(tmp_path / "same", {"part.ply": MESH, name: MESH})
    assert (found.kind, found.used) == ("convert", ["part.ply"])
    assert f"{name} (of part.ply)" in found.notes[0]
    passes = drop(tmp_path / "passes", {"part.ply": POINTS, "b.ply": POINTS, name: POINTS})
    assert (passes.kind, sorted(passes.used)) == ("scan", ["b.ply", "part.ply"])
    other = drop(tmp_path / "other", {"part.ply": MESH, name: OTHER})
    assert (other.kind, len(other.used)) == ("scan", 2)


def test_without_the_file_itself_it_is_that_file(tmp_path: Path) -> None:
    """Somebody renamed or took away the other one."""
    found = drop(tmp_path, {CONFLICTS[0]: POINTS, "sub/part.ply": POINTS})
    assert len(found.used) == 2 and not found.notes


def test_pictures_in_folders_and_job_toml_are_looked_at_alike(tmp_path: Path) -> None:
    found = drop(
        tmp_path,
        {
            "views/front.jpg": JPG,
            "views/front (1).jpg": JPG,
            "job.toml": b'kind = "images"',
            "job (Anna's conflicted copy 2026-11-30).toml": b'kind = "scan"',
        },
    )
    assert (found.kind, found.used) == ("images", ["views/front.jpg"])
    assert "job (Anna's conflicted copy 2026-11-30).toml" in found.not_used


def test_what_an_archive_holds_is_left_to_its_reader(tmp_path: Path) -> None:
    packed = {"a.ply": POINTS, "a (1).ply": POINTS}
    assert drop(tmp_path, {"passes.zip": zipped(packed)}).used == ["passes.zip"]


def test_a_double_that_is_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intake has other drops to look at."""
    monkeypatch.setattr(versions, "MOST", len(MESH) - 1)
    assert drop(tmp_path, {"part.ply": MESH, "part (1).ply": MESH}).kind == "scan"


def test_a_dropped_result_is_its_model(tmp_path: Path) -> None:
    """Whoever copies output/ to have it in another format does not mean a scan of the model and of what the page shows."""
    result = {"model.glb": GLB, "inspect.glb": GLB, "checksums.sha256": b"# start a@b.1\n"}
    found = drop(tmp_path, result | {"preview.png": JPG})
    assert (found.kind, "inspect.glb" in found.used) == ("convert", False)
    assert "inspect.glb (of model.glb)" in found.notes[-1]
    del result["checksums.sha256"]
    assert drop(tmp_path / "other", result).kind == "scan"
