"""What a killed writer left hidden beside one of the tree's own files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from layout.disk import neighbour_of
from layout.tree import Atlas
from pipeline.watchers.torn import Torn
from tests.support.trees import new_tree


class Killed(BaseException):
    """SIGKILL between the write and the rename."""


def torn_by(atlas: Atlas, path: Path) -> Path:
    """The neighbour that a writer of PATH leaves who is killed before its rename."""
    with (
        patch.object(os, "replace", side_effect=Killed),
        pytest.raises(Killed),
    ):
        atlas.disk.replace(path, b"half")
    (left,) = path.parent.glob(f".{path.name}.*")
    return left


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.mark.parametrize(
    "file",
    [
        lambda atlas: atlas.status_file,
        lambda atlas: atlas.arrivals_file,
        lambda atlas: atlas.identity_file,
        lambda atlas: atlas.labelled("vase-7k3f9q2mxa"),
    ],
)
def test_it_goes_once_it_stood_for_a_while(atlas: Atlas, file: Callable[[Atlas], Path]) -> None:
    now = [100.0]
    torn = Torn(atlas, 60, lambda: now[0])
    left = torn_by(atlas, file(atlas))
    torn.sweep()
    now[0] += 59
    torn.sweep()
    assert left.exists()
    now[0] += 1
    torn.sweep()
    assert not left.exists()
    assert len(list(atlas.trash.iterdir())) == 1


@pytest.mark.parametrize("name", [".STATUS.txt.", ".STATUS.txt.0123456", ".scan.ply.01234567"])
def test_what_a_person_put_beside_it_stays(atlas: Atlas, name: str) -> None:
    (atlas.inbox / name).write_text("mine")
    (atlas.inbox / ".STATUS.txt.89abcdef").mkdir()
    torn = Torn(atlas, 0)
    torn.sweep()
    torn.sweep()
    assert (atlas.inbox / name).exists() and (atlas.inbox / ".STATUS.txt.89abcdef").exists()


def test_a_neighbour_is_known_by_its_name(atlas: Atlas) -> None:
    assert neighbour_of(torn_by(atlas, atlas.status_file).name) == "STATUS.txt"
    assert neighbour_of("STATUS.txt") is neighbour_of(".hidden") is None
