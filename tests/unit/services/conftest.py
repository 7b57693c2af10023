"""A service on a tree, its stages run in this process instead of an engine's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout.tree import Atlas
from pipeline import jobs, recipes
from pipeline.kept import store
from pipeline.kept.store import Kept
from pipeline.recipes import Leg
from pipeline.services.app import create_app
from pipeline.workspace import StageWorkspace
from tests.support.web import make_atlas, make_settings


class Here:
    """A device without an engine."""

    name, models = "cpu", None

    def load(self) -> dict[str, int]:
        return {"making": 0, "waiting": 0}

    def make(self, root: Path, request: dict[str, Any], legs: Sequence[Leg]) -> list[Kept]:
        ws = StageWorkspace(root, root / "input", self.models, options=jobs.parse(request))
        for position, stage in enumerate((stage for leg in legs for stage in leg.stages), 1):
            ws.said.clear()
            artefact = recipes.call(
                recipes.stage_function(stage), [kept.artefact for kept in store.load(root)], ws
            )
            store.save(root, position, Kept.of(root, stage, artefact, warnings=tuple(ws.said)))
        return store.load(root)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL", "FLUX_BACKEND_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return make_atlas(tmp_path)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return make_settings(tmp_path).host.scratch


@pytest.fixture
def service(atlas: Atlas, tmp_path: Path) -> Callable[[str], FlaskClient]:
    """service("views") → a client of that service, on this host itself."""
    return lambda name: create_app(atlas, make_settings(tmp_path), name, Here()).test_client()  # type: ignore[arg-type]
