"""A fleet with one drop in inbox/, and the simulation's stages for scans."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import recipes
from tests.simulation import stages
from tests.support.fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    monkeypatch.setitem(recipes.RECIPES, "scan", stages.RECIPES["scan"])
    with contextlib.closing(Fleet(tmp_path)) as one:
        (one.atlas.inbox / "vase").mkdir()
        (one.atlas.inbox / "vase/a.xyz").write_text(
            "".join(f"{k} {k % 3} {k % 5}\n" for k in range(24))
        )
        (one.atlas.inbox / "vase/READY").touch()
        yield one
