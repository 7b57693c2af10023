"""A tree, and a world of intake, worker and reaper on one, for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout.tree import Atlas
from tests.support.crew import World
from tests.support.trees import new_tree


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "atlas")


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")
