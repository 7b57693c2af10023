"""Fixtures for the tests of stages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.jobs import parse
from pipeline.workspace import StageWorkspace, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[..., Workspace]:
    """workspace(kind="convert", **options) → a Workspace with an empty input folder."""

    def make(name: str = "ws", **options: Any) -> Workspace:
        folder = tmp_path / name
        (folder / "input").mkdir(parents=True)
        return StageWorkspace(
            folder / "work", folder / "input", options=parse({"kind": "convert", **options})
        )

    return make
