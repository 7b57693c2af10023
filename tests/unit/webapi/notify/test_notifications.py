"""Troubles are told once until they are over: a full disk, a queue that nobody serves, a job that does not move."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask import Flask

from layout.signs import Heartbeat, Progress
from layout.tree import Atlas, State
from tests.support.web import forge, receiver
from webapi.context import Web
from webapi.notify import notifications
from webapi.notify.notifications import Notice, Notices

NOTIFY = {"INBOX3D_WEB__NOTIFY": "json://127.0.0.1:9/", "INBOX3D_WEB__STUCK_AFTER": "600"}


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(notifications, "time", clock)
    return clock


@pytest.fixture
def web(build: Callable[..., Flask]) -> Web:
    found: Web = build(**NOTIFY).extensions["inbox3d"]
    return found


def told(some: Notices, web: Web) -> list[str]:
    """Titles that a look adds."""
    some.look(web.follower)
    found = [notice.title for notice in some.waiting]
    some.waiting.clear()
    return found


def test_a_disk_that_runs_low_is_told_once_and_again_only_after_it_was_well(
    build: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Around the floor nothing is repeated: well again is a tenth more than the floor."""
    web: Web = build(**NOTIFY, INBOX3D_WEB__FREE_GB="10").extensions["inbox3d"]
    some, found = Notices(web.settings, web.index), []
    for free in (50, 9, 9, 10.5, 9, 12, 9):
        monkeypatch.setattr(
            notifications.shutil,
            "disk_usage",
            lambda path, free=free: SimpleNamespace(free=free * 1e9),
        )
        found.append(told(some, web))
    low = ["Atlas is nearly full"]
    assert found == [[], low, [], [], [], [], low]


def test_a_queue_that_nobody_serves_is_told_once_for_all_its_jobs(
    web: Web, atlas: Atlas, look: Callable[[], None], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at once, not while halted, and anew after a worker came and went."""
    some = Notices(web.settings, web.index)
    forge(atlas, State.CLAIMED, queue="mesh"), forge(atlas, State.CLAIMED, queue="mesh")
    web.follower.look()
    found = [told(some, web)]
    clock.now = 599
    found.append(told(some, web))
    clock.now = 600
    found += [told(some, web), told(some, web)]
    beat = Heartbeat(
        worker="h-cuda-0-abcd", role="worker", counter=1, boot="x", pid=1, queues=("mesh",)
    )
    with monkeypatch.context() as served:
        served.setattr(web.follower, "workers", lambda: [beat])
        found.append(told(some, web))
    found.append(told(some, web))
    clock.now = 1300
    found.append(told(some, web))
    alone = ["No live worker serves mesh"]
    assert found == [[], [], alone, [], [], [], alone]
    (atlas.root / "HALT").touch()
    web.follower.look()
    assert told(some, web) == []


def test_a_running_job_is_stuck_when_nothing_about_it_moves(
    web: Web, atlas: Atlas, clock: Clock
) -> None:
    """Any sign of life begins the time anew; what was told is told again only after it moved."""
    some = Notices(web.settings, web.index)
    place = forge(
        atlas,
        State.PROCESSING,
        name="stone lion",
        progress=Progress(stage="scan.align", fraction=0.2, message="pass 2 of 9"),
    )
    found = []
    for seconds, fraction in (
        (0, 0.2),
        (599, 0.2),
        (599, 0.3),
        (1100, 0.3),
        (1199, 0.3),
        (1300, 0.3),
        (1400, 0.4),
        (2000, 0.4),
    ):
        clock.now = seconds
        (place.path / "progress.json").write_bytes(
            Progress(stage="scan.align", fraction=fraction, message="pass 2 of 9").dump()
        )
        web.follower.look()
        found.append(told(some, web))
    stuck = ["stone lion is stuck"]
    assert found == [[], [], [], [], stuck, [], [], stuck]


def test_a_share_that_only_time_moves_is_no_sign_of_life(
    web: Web, atlas: Atlas, clock: Clock
) -> None:
    """The share of the whole job creeps on while a stage hangs; what the stage itself tells does not."""
    some = Notices(web.settings, web.index)
    place = forge(atlas, State.PROCESSING, name="stone lion")
    found = []
    for seconds, said in ((0, 0.5), (599, 0.5), (700, 0.5), (800, 0.6)):
        clock.now = seconds
        told_so = Progress(
            stage="scan.align",
            fraction=0.2 + seconds / 1e4,
            message="pass 2 of 9",
            eta=30.0,
            said=said,
            n=1,
        )
        (place.path / "progress.json").write_bytes(told_so.dump())
        web.follower.look()
        found.append(told(some, web))
    assert found == [[], [], ["stone lion is stuck"], []]


def test_a_restart_and_a_second_web_host_do_not_tell_it_again(
    web: Web, atlas: Atlas, clock: Clock
) -> None:
    """What was told stands in the index until it is over."""
    forge(atlas, State.CLAIMED, queue="mesh")
    web.follower.look()
    two = [Notices(web.settings, web.index), Notices(web.settings, web.index)]
    assert [told(one, web) for one in two] == [[], []]
    clock.now = 700
    assert [told(one, web) for one in two] == [["No live worker serves mesh"], []]
    after = Notices(web.settings, web.index)
    told(after, web)
    clock.now = 1400
    assert told(after, web) == []


def test_nothing_is_watched_for_nobody_and_only_what_was_asked_for(
    build: Callable[..., Flask], atlas: Atlas, clock: Clock
) -> None:
    forge(atlas, State.CLAIMED, queue="mesh")
    for settings in (
        {"INBOX3D_WEB__STUCK_AFTER": "600"},
        {**NOTIFY, "INBOX3D_WEB__NOTIFY_ON": "completed,disk"},
    ):
        web: Web = build(**settings).extensions["inbox3d"]
        web.follower.look()
        some, clock.now = Notices(web.settings, web.index), 0.0
        told(some, web)
        clock.now = 9999
        assert told(some, web) == []


def test_a_trouble_reaches_the_operator_in_words(
    build: Callable[..., Flask], atlas: Atlas, clock: Clock
) -> None:
    """By apprise, with what to do; and at most so many messages in an hour."""
    forge(atlas, State.CLAIMED, queue="mesh")
    with receiver(200) as other:
        address = f"json://{other.url.partition('://')[2]}"
        web: Web = build(**{**NOTIFY, "INBOX3D_WEB__NOTIFY": address}).extensions["inbox3d"]
        web.follower.look()
        some = Notices(web.settings, web.index)
        some.look(web.follower)
        clock.now = 600
        some.look(web.follower)
        some.send()
        (message,) = [json.loads(body) for _, _, body in other.got]
        for _ in range(notifications.AN_HOUR + 5):
            some.waiting.append(Notice("stuck", "x", "y"))
            some.send()
        assert len(other.got) == notifications.AN_HOUR
        clock.now += 3601
        some.send()
        assert len(other.got) == notifications.AN_HOUR + 1
    assert (
        message["title"] == "No live worker serves mesh"
        and "inbox3d up --queues mesh" in message["message"]
    )
    assert message["type"] == "warning"


@pytest.mark.parametrize(
    ("ends", "type"),
    [
        ([State.DONE], "success"),
        ([State.FAILED], "failure"),
        ([State.FAILED, State.DONE], "failure"),
    ],
    ids=["done", "failed", "both at once"],
)
def test_a_notice_has_the_type_of_what_happened_the_jobs_id_and_its_page(
    build: Callable[..., Flask], atlas: Atlas, ends: list[State], type: str
) -> None:
    """So that a phone shows it as what it is, and leads to the job."""
    with receiver(200) as other:
        asked = {"INBOX3D_WEB__NOTIFY": f"json://{other.url.partition('://')[2]}"}
        web: Web = build(**asked, INBOX3D_WEB__ADDRESS="http://models.lan/").extensions["inbox3d"]
        some = Notices(web.settings, web.index)
        ids = [forge(atlas, state).id for state in ends]
        web.follower.look()
        for id in ids:
            row = web.index.get(id)
            assert row is not None
            some.ended(row)
        some.send()
        (message,) = [json.loads(body) for _, _, body in other.got]
    assert message["type"] == type
    for id in ids:
        assert f"Job: {id}\nhttp://models.lan/jobs/{id}" in message["message"]
