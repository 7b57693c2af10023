"""By what the oracle judges who is started first."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from layout.tree import State
from tests.simulation.turns import Turns
from tests.simulation.world import Broken

FIRST, SECOND = "a-0123456789@scan.0", "b-0123456789@scan.0"


class House:
    """claimed/ with two jobs, and one worker."""

    def __init__(self, root: Path) -> None:
        for state in State:
            (root / state).mkdir()
        self.claimed = root / State.CLAIMED
        self.process: Any = object()
        world: Any = SimpleNamespace(root=root, hub=SimpleNamespace(now=0.0))
        workers = {self.process: SimpleNamespace(queues=("scan",))}
        self.turns = Turns(world, SimpleNamespace(workers=workers))  # type: ignore[arg-type]
        self.says(FIRST, "10:00:00")
        self.says(SECOND, "10:00:01")

    def says(self, name: str, at: str) -> None:
        """As job.json is written: another file takes the place of the one before."""
        folder = self.claimed / name
        folder.mkdir(exist_ok=True)
        written = folder / ".job.json.new"
        written.write_text(json.dumps({"accepted": {"at": at}, "options": {}}))
        written.replace(folder / "job.json")

    def look(self, *names: str) -> None:
        self.turns.listed(self.process, [FIRST, SECOND])
        for name in names:
            self.turns.looked(self.process, str(self.claimed / name))

    def start(self, name: str) -> None:
        target = self.claimed.parent / State.PROCESSING / name.replace("@scan.0", "@worker.1")
        os.rename(self.claimed / name, target)
        self.turns.started(self.process, self.claimed / name, target, -1.0)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_worker_cannot_know_what_a_job_json_says_after_its_look(house: House) -> None:
    """It read the turns of both, then one was written anew: what stands there now is none of its
    order."""
    house.look(FIRST, SECOND)
    house.says(SECOND, "09:00:00")
    house.start(FIRST)


def test_nor_that_the_job_it_starts_was_written_anew_meanwhile(house: House) -> None:
    house.look(FIRST, SECOND)
    house.says(FIRST, "11:00:00")
    house.start(FIRST)


@pytest.mark.parametrize("names", [(FIRST, SECOND), (FIRST,), ()])
def test_what_was_written_before_its_look_counts_looked_at_or_not(
    house: House, names: tuple[str, ...]
) -> None:
    """Else a worker that never looked again could keep an old order for ever."""
    house.look(FIRST, SECOND)
    house.says(SECOND, "09:00:00")
    house.look(*names)
    with pytest.raises(Broken, match="jobs start by acceptance"):
        house.start(FIRST)
