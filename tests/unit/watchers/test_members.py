"""A fleet whose processes do not get going: one that runs for ever tries again, one that somebody waits for gives up."""

from __future__ import annotations

import sys
import threading

import pytest

from pipeline.watchers import members
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
