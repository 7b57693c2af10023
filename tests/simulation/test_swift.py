"""Paths in a play are those of pathlib."""

from __future__ import annotations

import gc
import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from layout.tree import State
from tests.simulation.swift import CHUNK, swift

NAMES = (
    "a",
    "a.b",
    ".hidden",
    "..",
    ".",
    "",
    "b/c",
    "/root",
    "c/",
    "ä ö",
    "a\nb",
    Path("d/e"),
    State.DONE,
    "x" * 255,
)
BASES = (
    Path("/"),
    Path(""),
    Path("a"),
    Path("/tmp/x"),
    Path(".."),
    PurePosixPath("q/r"),
    Path("//net"),
)


@pytest.mark.parametrize("base", BASES, ids=repr)
def test_a_child_is_the_one_that_pathlib_makes(base: PurePosixPath) -> None:
    expected = [base / name for name in NAMES]
    with swift():
        found = [type(base)(str(base)) / name for name in NAMES]
        told = [os.fspath(path) for path in found]
    assert told == [str(path) for path in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one, hash(one), one.parts, one.name) == (
            other,
            hash(other),
            other.parts,
            other.name,
        )
        assert (one.parent, one / "z", type(one)) == (other.parent, other / "z", type(other))
        assert one.is_absolute() == other.is_absolute()


@pytest.mark.parametrize(
    "text", ["/", "/a", "/a/b.c", "/a/", "//a/b", "/a//b", "/a/./b", "/a/.", "/a/.b/..", "a/b", "./a",
             ".", "", "..", ".a/b", "///a", "a\0b"],
)  # fmt: skip
def test_a_path_of_words_is_the_one_that_pathlib_makes(text: str) -> None:
    for kind in (Path, PurePosixPath, PureWindowsPath):
        known = kind(text)
        with swift():
            made = kind(text)
            told = (made.parts, made.name, made.parent.name, made.drive, made.root, hash(made))
        assert told == (
            known.parts, known.name, known.parent.name, known.drive, known.root, hash(known)
        )  # fmt: skip


def test_paths_are_compared_as_pathlib_compares() -> None:
    some = [
        Path("/a/b"),
        Path("/a/B"),
        Path("a"),
        PurePosixPath("/a/b"),
        PureWindowsPath("/a/b"),
        "a",
    ]
    expected = [[one == other for other in some] for one in some]
    alike = [one for one in some if isinstance(one, PurePosixPath)]
    order = [[one < other for other in alike] for one in alike]
    with swift():
        assert [[one == other for other in some] for one in some] == expected
        assert [[one < other for other in alike] for one in alike] == order


def test_small_files_are_read_and_written_whole(tmp_path: Path) -> None:
    with swift():
        for data in (b"", b"abc", b"x" * (CHUNK + 5)):
            assert (tmp_path / "file").write_bytes(data) == len(data)
            assert (tmp_path / "file").read_bytes() == data
        with pytest.raises(FileNotFoundError, match="nothing"):
            (tmp_path / "nothing").read_bytes()


def test_what_a_play_leaves_behind_is_as_it_was() -> None:
    joined, on = Path.__truediv__, gc.isenabled()
    with swift():
        assert not gc.isenabled()
    assert Path.__truediv__ is joined
    assert "__fspath__" not in vars(Path)
    assert gc.isenabled() == on
