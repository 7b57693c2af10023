"""What the oracle takes for words."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from layout.tree import State
from tests.simulation.waits import LONG, LOOKS, Waits
from tests.simulation.world import Broken


@pytest.fixture
def waits(tmp_path: Path) -> Waits:
    for state in State:
        (tmp_path / state).mkdir()
    for name in ("a-0123456789", "b-0123456789"):
        (tmp_path / State.CLAIMED / f"{name}@scan.0").mkdir()
    world: Any = SimpleNamespace(
        root=tmp_path, hub=SimpleNamespace(now=0.0), say=lambda *words: None
    )
    return Waits(world, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "holds"), [
    ("a-0123456789\n  … and 1 more\n", True),
    ("a-0123456789\n", False),
    ("a-0123456789\n  … and 1 more in failed/\n", False),
    ("… and 1 more\n", False),
])  # fmt: skip
def test_who_is_one_of_so_many_more_is_named(waits: Waits, text: str, holds: bool) -> None:
    """STATUS.txt names the first hundred of what waits, and counts the others."""
    waits.status(text)
    waits.world.hub.now = 2 * LONG
    told = [waits.status] * LOOKS
    for tell in told:
        tell(text)
    if holds:
        waits.status(text)
        return
    with pytest.raises(Broken, match="words wherever something stands still"):
        waits.status(text)


def test_what_left_and_came_back_between_two_looks_has_not_stood_still(waits: Waits) -> None:
    waits.status("nothing")
    waits.world.hub.now = 2 * LONG
    for entry in (waits.world.root / State.CLAIMED).iterdir():
        waits.moved(entry)
    for _ in range(LOOKS + 1):
        waits.status("nothing")
