"""Debian's Chromium, one for all the tests of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, missing
from tests.support.viewed import FLAGS


@pytest.fixture(scope="module")
def chromium(program: Callable[[str], Path]) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program("chromium")), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def viewer() -> None:
    """The model viewer, which `make setup` fetches."""
    if not (ROOT / "pipeline/static/vendor/three.module.min.js").exists():
        missing("the model viewer", "run make setup")
