"""What a worker's heartbeat says of its engine and its GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from layout.beat import Beat
from layout.liveness import heartbeats
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline.watchers.meter import STEP, Meter
from tests.support.nvml import GIB, Card, install
from tests.support.trees import new_tree


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def beat(atlas: Atlas) -> Iterator[Beat]:
    made = Beat(
        atlas, Heartbeat(worker="h-gpu1-abcd", role="worker", counter=0, boot="", pid=1), 15
    )
    yield made
    made.end()


def metered(beat: Beat, atlas: Atlas, pid: int | None, device: str) -> Heartbeat:
    engine: Any = SimpleNamespace(pid=pid)
    Meter(beat, lambda: engine, device, 15).look()
    beat.beat()
    return heartbeats(atlas)[beat.heartbeat.worker]


def test_a_heartbeat_tells_memory_and_how_busy_the_gpu_is(
    beat: Beat, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Card(0), Card(1, used=23 * GIB, busy=87))
    said = metered(beat, atlas, os.getpid(), "cuda:1")
    assert said.gpu is not None and (said.gpu.used, said.gpu.busy) == (23 * GIB, 0.87)
    assert said.used is not None and 0 < said.used < 8 * GIB and said.used % STEP == 0


def test_a_worker_on_the_cpu_has_no_gpu_and_one_without_an_engine_uses_nothing(
    beat: Beat, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Card(0))
    said = metered(beat, atlas, None, "cpu")
    assert (said.used, said.gpu) == (0, None)


def test_a_heartbeat_of_a_newer_release_is_read(atlas: Atlas, beat: Beat) -> None:
    """What it says more is passed over: hosts of two releases serve one tree."""
    beat.beat()
    path = atlas.heartbeat(beat.heartbeat.worker)
    path.write_text(path.read_text().replace('"worker"', '"mood": "fine", "worker"', 1))
    assert list(heartbeats(atlas)) == [beat.heartbeat.worker]
