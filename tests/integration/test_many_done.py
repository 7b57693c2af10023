"""What is finished slows nothing down: how many jobs stand in done/ is asked by neither intake nor worker."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from layout import names
from layout.disk import Disk
from layout.init import init
from layout.tree import Atlas, State
from pipeline import config
from pipeline.watchers.intake import Intake
from pipeline.watchers.worker import Worker
from tests.support.web import forge

T = TypeVar("T")
STL = b"solid t\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\nendfacet\nendsolid t\n"


class Counted(Disk):
    """What is asked of the disk: the call, and the folder of the tree that it is about."""

    def __init__(self) -> None:
        super().__init__(durable=False)
        self.calls: list[tuple[str, Path]] = []

    def _do(self, call: str, function: Callable[..., T], *args: Any) -> T:
        self.calls.append((call, Path(args[0])))
        return super()._do(call, function, *args)


class House:
    def __init__(self, root: Path, done: int) -> None:
        self.disk = Counted()
        self.atlas: Atlas = init(root / "atlas", disk=self.disk)[0]
        for number in range(done):
            forge(self.atlas, State.DONE, f"part {number % 5}")
        settings = config.load(environ={"INBOX3D_HOST__SCRATCH": str(root / "scratch")})
        over = threading.Event()
        self.intake = Intake(self.atlas, settings, names.worker_name("a", "intake"), over)
        self.now = 1000.0
        self.intake.inbox.completeness.clock = lambda: self.now
        self.worker = Worker(
            self.atlas, settings, names.worker_name("a", "cpu"), ("views",), "cpu", over
        )

    def close(self) -> None:
        self.intake._hints.stop()
        self.intake.beat.end()
        self.worker.beat.end()

    def live(self) -> Counter[tuple[str, str]]:
        """Five drops are claimed, a worker looks thrice: calls by the folder of the tree."""
        self.intake.beat.beat(), self.worker.beat.beat()
        self.intake.step(), self.worker.step()
        self.disk.calls.clear()
        for number in range(5):
            (self.atlas.inbox / f"part {number}").mkdir()
            (self.atlas.inbox / f"part {number}" / "part.stl").write_bytes(STL)
        for _ in range(8):
            self.intake.step()
            self.now += 100
        assert len(self.atlas.places(State.CLAIMED)) == 5
        for _ in range(3):
            self.worker.step()
        about = [
            (call, path.relative_to(self.atlas.root).parts)
            for call, path in self.disk.calls
            if path.is_relative_to(self.atlas.root)
        ]
        return Counter((call, parts[0] if parts else "") for call, parts in about)


@pytest.mark.slow
def test_jobs_in_done_cost_neither_intake_nor_worker_a_call(tmp_path: Path) -> None:
    """The same calls with none and with sixty, and not one of them is about done/."""
    empty, full = House(tmp_path / "empty", 0), House(tmp_path / "full", 60)
    try:
        without, with_many = empty.live(), full.live()
    finally:
        empty.close(), full.close()
    assert with_many == without
    assert not [call for call, folder in with_many if folder == "done"]
    assert with_many["names", "inbox"] <= 11, "one listing a look: 8 of the intake, 3 of the worker"
