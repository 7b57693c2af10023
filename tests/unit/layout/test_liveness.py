"""Who lives is judged by counters on the observer's own clock, or at once by a lock on the same host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from layout import liveness
from layout.beat import Beat
from layout.liveness import Life, Observer, by_lock, heartbeats, stopped
from layout.locks import boot_id, take_lock
from layout.signs import Heartbeat
from layout.tree import Atlas

BEAT = 15.0


class Clock:
    """A monotonic clock that a test turns by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def write(atlas: Atlas, worker: str, counter: int, **facts: object) -> Heartbeat:
    heartbeat = Heartbeat(
        worker=worker, role="worker", counter=counter, boot="elsewhere", pid=1, **facts
    )  # type: ignore[arg-type]
    atlas.disk.write_in_place(atlas.heartbeat(worker), heartbeat.dump())
    return heartbeat


class Watch:
    """An observer with its clock and its own beats."""

    def __init__(self, atlas: Atlas) -> None:
        self.clock, self.own = Clock(), 0
        self.observer = Observer(atlas, BEAT, 6, lambda: self.own, self.clock)

    def look(
        self, seconds: float = BEAT, beats: int = 1, held: frozenset[str] = frozenset()
    ) -> Observer:
        self.clock.now += seconds
        self.own += beats
        self.observer.look(held)
        return self.observer


def test_a_changing_counter_is_life(atlas: Atlas) -> None:
    """One look says nothing; a change between two looks says live."""
    watch = Watch(atlas)
    write(atlas, "w", 1)
    assert watch.look().life("w") is Life.UNKNOWN
    write(atlas, "w", 2)
    assert watch.look().life("w") is Life.LIVE


def test_six_unchanged_looks_are_death(atlas: Atlas) -> None:
    """Not five, and never by elapsed time alone."""
    watch = Watch(atlas)
    write(atlas, "w", 7)
    for _ in range(5):
        assert watch.look().life("w") is Life.UNKNOWN
    assert watch.look().life("w") is Life.DEAD


def test_an_observer_that_cannot_beat_itself_declares_nobody_dead(atlas: Atlas) -> None:
    """When Atlas does not take its own beats, the others' silence proves nothing."""
    watch = Watch(atlas)
    write(atlas, "w", 7)
    for _ in range(20):
        watch.look(beats=0)
    assert watch.observer.life("w") is Life.UNKNOWN


def test_looks_nearer_than_a_beat_do_not_count(atlas: Atlas) -> None:
    """A busy reaper must not see death faster than a worker can beat."""
    watch = Watch(atlas)
    write(atlas, "w", 7)
    for _ in range(50):
        watch.look(seconds=BEAT / 100)
    assert watch.observer.life("w") is Life.UNKNOWN


def test_a_missing_heartbeat_of_a_holder_counts_as_unchanged(atlas: Atlas) -> None:
    """A worker named in processing/ whose heartbeat is gone dies after the same six looks."""
    watch = Watch(atlas)
    for _ in range(6):
        watch.look(held=frozenset({"ghost"}))
    assert watch.observer.life("ghost") is Life.DEAD


def test_a_worker_that_beats_again_is_live_again(atlas: Atlas) -> None:
    """It slept; whether it still has its job, the fence decides."""
    watch = Watch(atlas)
    write(atlas, "w", 7)
    for _ in range(8):
        watch.look()
    write(atlas, "w", 8)
    assert watch.look().life("w") is Life.LIVE


def test_a_torn_heartbeat_is_left_out_for_one_look(atlas: Atlas) -> None:
    """It is written in place; half of one is no evidence."""
    atlas.heartbeat("w").write_text('{"format": 1, "worker": "w"')
    assert heartbeats(atlas) == {}


def test_on_its_own_host_a_released_lock_is_death_at_once(atlas: Atlas, tmp_path: Path) -> None:
    """Only when the heartbeat names this boot and that lock file's inode."""
    path = tmp_path / "w.lock"
    held = take_lock(path)
    assert held is not None
    beat = Heartbeat(
        worker="w",
        role="worker",
        counter=1,
        boot=boot_id(),
        pid=1,
        lock=(str(path), path.stat().st_ino),
    )
    assert by_lock(beat, boot_id()) is Life.LIVE
    held.close()
    assert by_lock(beat, boot_id()) is Life.DEAD
    assert by_lock(beat.model_copy(update={"boot": "another"}), boot_id()) is Life.UNKNOWN
    assert by_lock(beat.model_copy(update={"lock": (str(path), 1)}), boot_id()) is Life.UNKNOWN


def test_a_process_that_holds_its_lock_and_does_not_beat_stands_still(atlas: Atlas) -> None:
    """Stopped, or only its beat hangs: it stays alive, so that nobody seizes its folder; nobody counts on it, until it beats again."""
    watch, beat = (
        Watch(atlas),
        Beat(
            atlas, Heartbeat(worker="w", role="worker", counter=0, boot="", pid=os.getpid()), BEAT
        ),
    )
    beat.attend(("the share is full",))
    beat.beat()
    for _ in range(5):
        assert (watch.look().standing("w"), len(watch.observer.live())) == ("", 1)
    words = watch.look().standing("w")
    assert f"has stood still for 75 s (stopped or hung): let process {os.getpid()} go on" in words
    assert (watch.observer.life("w"), watch.observer.live(), watch.observer.needs()) == (
        Life.LIVE,
        [],
        [words],
    )
    beat.beat()
    assert watch.look().standing("w") == "" and watch.observer.needs() == ["the share is full"]
    beat.end()
    assert watch.look().needs() == []


def test_an_observer_that_cannot_beat_itself_finds_nobody_standing_still(atlas: Atlas) -> None:
    """It may be the share that takes no beats; and the dead of another host do not stand still, they are dead."""
    watch, beat = (
        Watch(atlas),
        Beat(
            atlas, Heartbeat(worker="w", role="worker", counter=0, boot="", pid=os.getpid()), BEAT
        ),
    )
    beat.beat()
    write(atlas, "far", 1)
    for _ in range(20):
        watch.look(beats=0)
    assert watch.observer.needs() == []
    for _ in range(6):
        watch.look()
    assert watch.observer.standing("far") == "" and watch.observer.life("far") is Life.DEAD
    beat.end()


def test_a_stopped_process_is_known_at_the_first_look(atlas: Atlas) -> None:
    """The system tells its state to whoever is on its host; going on, it is as before."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        watch, beat = (
            Watch(atlas),
            Beat(
                atlas, Heartbeat(worker="w", role="intake", counter=0, boot="", pid=child.pid), BEAT
            ),
        )
        beat.beat()
        assert watch.look().standing("w") == "" and not stopped(beat.heartbeat)
        child.send_signal(signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert (
            "stands still (it is stopped)" in watch.observer.standing("w")
            and watch.observer.life("w") is Life.LIVE
        )
        child.send_signal(signal.SIGCONT)
        os.waitpid(child.pid, os.WCONTINUED)
        assert watch.observer.standing("w") == ""
        beat.end()
        child.kill()


def test_to_keep_up_reads_heartbeats_once_in_a_beat(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that starts a job every second read every other one's heartbeat each time."""
    watch, looks = Watch(atlas), []
    monkeypatch.setattr(liveness, "heartbeats", lambda *args: looks.append(args) or {})
    for _ in range(30):
        watch.clock.now += BEAT / 10
        watch.observer.keep_up()
    assert len(looks) == 3
    watch.observer.look()
    assert len(looks) == 4


def test_who_keeps_up_knows_life_and_death(atlas: Atlas) -> None:
    watch = Watch(atlas)
    for k in range(6 * 20):
        watch.clock.now += BEAT / 10
        watch.own = k // 10
        write(atlas, "w", watch.own)
        write(atlas, "dead", 7)
        watch.observer.keep_up()
    assert watch.observer.life("w") is Life.LIVE
    assert watch.observer.life("dead") is Life.DEAD
