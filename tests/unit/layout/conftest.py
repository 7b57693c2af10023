"""A world of intake, worker and reaper on one tree, for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.crew import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "atlas")
