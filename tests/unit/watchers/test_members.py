"""A fleet whose processes do not get going: one that runs for ever tries again, one that somebody waits for gives up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from pipeline.watchers import members, process
from pipeline.watchers.members import Member
from pipeline.watchers.roster import Role


def member(code: int) -> Member:
    """A process that ends at once with CODE."""
    return Member(
        Role("worker", "cpu", ("scan",)), [sys.executable, "-S", "-c", f"raise SystemExit({code})"]
    )


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "LONGEST_WAIT", 0.0)


def test_a_fleet_that_somebody_waits_for_gives_up_on_a_worker_that_never_gets_going() -> None:
    dying = member(1)
    assert not members.keep([dying], threading.Event(), until_idle=False, gives_up=True)
    assert dying.failures == members.TRIES


def test_a_fleet_that_runs_for_ever_tries_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dying, stopping, started = member(1), threading.Event(), Member.start

    def start(one: Member) -> None:
        started(one)
        if one.failures > members.TRIES:
            stopping.set()

    monkeypatch.setattr(Member, "start", start)
    assert members.keep([dying], stopping, until_idle=False)
    assert dying.failures > members.TRIES
    members.drain([dying])


def test_a_worker_that_asks_to_be_started_again_is_no_failure() -> None:
    asking = member(members.RESTART)
    for _ in range(2 * members.TRIES):
        asking.schedule(members.RESTART)
    assert asking.failures == 0


def test_a_closed_terminal_drains_and_under_nohup_it_means_nothing() -> None:
    """It ended `up` on the spot, and the job in hand counted as crashed."""
    held = {
        number: signal.getsignal(number)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    stopping = threading.Event()
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        members.stop_on_signals(stopping)
        signal.raise_signal(signal.SIGHUP)
        assert not stopping.is_set()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        members.stop_on_signals(stopping)
        signal.raise_signal(signal.SIGHUP)
        assert stopping.wait(5)
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


WAITS = """
import signal, threading
from pipeline.watchers import members
stopping = threading.Event()
members.stop_on_signals(stopping)
with stopping._cond:  # as in the midst of stopping.wait()
    signal.raise_signal(signal.SIGTERM)
raise SystemExit(not stopping.wait(5))
"""


def test_a_signal_that_comes_while_the_event_is_waited_for_is_heard() -> None:
    """The handler took the lock that the interrupted wait held: `up` heard no signal any more, and started nothing again."""
    done = subprocess.run([sys.executable, "-c", WAITS], timeout=20, env=os.environ)
    assert done.returncode == 0


def test_a_worker_lives_where_its_fleet_is_process_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container `up` is: its workers took it for dead, and none ever started. A worker whose
    fleet died meanwhile still ends."""
    monkeypatch.setattr(process.os, "getppid", lambda: 1)
    monkeypatch.setattr(process.ctypes, "CDLL", lambda _: SimpleNamespace(prctl=lambda *_: 0))
    process._die_with_fleet(1)
    with pytest.raises(SystemExit):
        process._die_with_fleet(4711)
    words = members.command("/a", "h", Role("worker", "cpu", ()))
    assert words[words.index("--parent") + 1] == str(os.getpid())
