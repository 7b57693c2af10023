"""A beat tells that its process lives, and takes its heartbeat away at the end."""

from __future__ import annotations

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
