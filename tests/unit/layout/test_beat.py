"""A beat tells that its process lives, and takes its heartbeat away at the end."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from layout.beat import Beat
from layout.liveness import Life, by_lock, heartbeats
from layout.locks import boot_id, run_folder
from layout.signs import Heartbeat
from layout.tree import Atlas


def test_a_beat_holds_its_lock_and_takes_its_heartbeat_away_at_the_end(atlas: Atlas) -> None:
    """While it lives others see it live; afterwards nothing is left."""
    beat = Beat(
        atlas, Heartbeat(worker="test-beat-0001", role="worker", counter=0, boot="", pid=1), 1.0
    )
    beat.beat()
    told = heartbeats(atlas)["test-beat-0001"]
    assert (told.counter, by_lock(told, boot_id())) == (1, Life.LIVE)
    beat.end()
    assert heartbeats(atlas) == {}
    assert not (run_folder() / "test-beat-0001.lock").exists()


def test_a_fault_that_lasts_is_logged_once(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A share that is read only for a weekend fills no log; the next fault is told again."""

    def refuse(path: Path, data: bytes) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    beat = Beat(
        atlas, Heartbeat(worker="test-beat-0002", role="worker", counter=0, boot="", pid=1), 1.0
    )
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(atlas.disk, "write_in_place", refuse)
            for _ in range(5):
                beat.beat()
        beat.beat()
    beat.end()
    assert beat.counted == 2
    assert [record.message.split()[0] for record in caplog.records] == ["beat.failed"] * 2
