"""One coarse figure and one drop of it, for all tests of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.demo import virtual_figure, virtual_scanner

PASSES = 8


@pytest.fixture(scope="module")
def figure() -> virtual_figure.Figure:
    """A coarse figure: made in a fraction of a second."""
    return virtual_figure.make(step=2.5)


@pytest.fixture(scope="module")
def dropped(
    figure: virtual_figure.Figure, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A drop of eight passes and its truth."""
    folder = tmp_path_factory.mktemp("scanner")
    return folder / "drop", virtual_scanner.make_drop(
        figure, folder / "drop", folder / "truth.json", passes=PASSES, seed=3, pixels=90
    )
