"""A tree, and processes whose hearts beat."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import names
from layout.beat import Beat
from layout.init import init
from layout.signs import Heartbeat
from layout.tree import Atlas


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return init(tmp_path / "atlas")[0]


@pytest.fixture
def process(atlas: Atlas) -> Iterator[Callable[..., Beat]]:
    """Heartbeats of processes on this host: they hold their locks as long as they live."""
    made: list[Beat] = []

    def start(*queues: str, role: str = "worker") -> Beat:
        name = names.worker_name("host", role)
        made.append(
            Beat(
                atlas,
                Heartbeat(worker=name, role=role, counter=0, boot="", pid=1, queues=queues),
                15,
            )
        )  # type: ignore[arg-type]
        made[-1].beat()
        return made[-1]

    yield start
    for beat in made:
        beat.end()
