"""The mesh that a scan is compared with is named in its drop, and is no pass of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputRejected
from tests.unit.drops.test_kind import MESH, OBJ, PNG, POINTS, drop, zipped


@pytest.mark.parametrize("asked", ["part.stl", "./Part.STL", "cad/part.stl", "CAD\\part.stl"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_mesh_that_is_named_as_reference_is_no_pass(
    tmp_path: Path, asked: str, packed: bool
) -> None:
    """It is used all the same, as any name of it says; the rest is a scan, were it one mesh alone."""
    toml = f"reference = '{asked}'".encode()
    files = {"job.toml": toml, "cad/part.stl": b"solid", "a.ply": MESH}
    found = drop(tmp_path, {"all.zip": zipped(files)} if packed else files)
    assert (found.kind, found.options["reference"]) == ("scan", asked)
    assert sorted(found.used) == (["all.zip"] if packed else ["a.ply", "cad/part.stl"])
    assert not found.not_used


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            "other.stl",
            r'"other\.stl" is not in the drop \(its meshes: a\.obj, b/part\.stl, part\.stl\)',
        ),
        ("stl", r'"stl" is not in the drop'),
        ("c/a.ply", r"c/a\.ply holds points without faces"),
        ("a.png", r"a\.png is no mesh"),
    ],
)
def test_a_reference_that_is_not_there_or_no_mesh_is_refused_by_name(
    tmp_path: Path, asked: str, words: str
) -> None:
    files = {"c/a.ply": POINTS, "part.stl": b"solid", "b/part.stl": b"solid", "a.obj": OBJ}
    with pytest.raises(InputRejected, match=words):
        drop(
            tmp_path,
            {"job.toml": f'reference = "{asked}"'.encode(), "a.png": PNG, **files},
        )


def test_of_two_references_of_one_name_the_one_that_is_spelled_is_meant(tmp_path: Path) -> None:
    """Else somebody must say which."""
    files = {"a.ply": POINTS, "x/part.stl": b"solid", "y/part.stl": b"solid"}
    with pytest.raises(InputRejected, match=r"may be x/part\.stl or y/part\.stl"):
        drop(tmp_path / "1", {"job.toml": b'reference = "part.stl"', **files})
    found = drop(tmp_path / "2", {"job.toml": b'reference = "y/part.stl"', **files})
    assert found.not_used == ["x/part.stl"]
