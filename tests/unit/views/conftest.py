"""Workspaces for the stages that make and read views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Dropped
from pipeline.jobs import parse
from pipeline.workspace import StageWorkspace, Workspace

Make = Callable[..., Workspace]


@pytest.fixture
def workspace(tmp_path: Path) -> Make:
    """workspace(kind="images", **options) → a Workspace with an empty input folder and an empty models folder."""

    def make(kind: str = "images", **options: Any) -> Workspace:
        for folder in ("input", "models"):
            (tmp_path / folder).mkdir(exist_ok=True)
        return StageWorkspace(
            tmp_path / "work",
            tmp_path / "input",
            tmp_path / "models",
            options=parse({"kind": kind, **options}),
        )

    return make


@pytest.fixture
def drop() -> Callable[..., Dropped]:
    """drop(ws, {name: array}) writes pictures into the input folder."""

    def write(ws: Workspace, pictures: dict[str, Any]) -> Dropped:
        for name, array in pictures.items():
            Image.fromarray(np.asarray(array, np.uint8)).save(ws.input / name)
        return Dropped(names=tuple(pictures))

    return write
