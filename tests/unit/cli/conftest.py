"""A tree, and processes whose hearts beat."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import names
from layout.beat import Beat
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline.cli import main
from tests.support.trees import new_tree


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


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


@pytest.fixture
def run(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command as the console script would; returns exit code, stdout, stderr."""
    monkeypatch.setenv("INBOX3D_HOST__SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("INBOX3D_HOST_CONFIG", str(tmp_path / "host.toml"))
    (tmp_path / "host.toml").write_text("")

    def go(*arguments: str, at: str | None = str(atlas.root)) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["inbox3d", *arguments])
        if at:
            monkeypatch.setenv("INBOX3D_ATLAS", at)
        else:
            monkeypatch.delenv("INBOX3D_ATLAS", raising=False)
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return int(ended.value.code or 0), out, err

    return go
