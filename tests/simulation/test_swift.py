"""Paths in a play are those of pathlib."""

from __future__ import annotations

import gc
import os
from pathlib import Path, PurePosixPath

import pytest

from tests.simulation.swift import swift

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


def test_what_a_play_leaves_behind_is_as_it_was() -> None:
    joined, on = Path.__truediv__, gc.isenabled()
    with swift():
        assert not gc.isenabled()
    assert Path.__truediv__ is joined
    assert "__fspath__" not in vars(Path)
    assert gc.isenabled() == on
