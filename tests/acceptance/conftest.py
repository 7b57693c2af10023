"""Every acceptance test gets a tree of its own and its ``up`` processes are ended with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import House, house


@pytest.fixture
def atlas_house(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path) as one:
        yield one
