"""The mirror in a real Redis and the index in a real PostgreSQL: useful while they are there, missed by nobody when they are not."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sql

from layout.disk import LineFault
from layout.tree import Atlas, State
from pipeline.watchers.hints import Hints
from tests.support.live import eventually
from tests.support.web import Server, forge, make_settings
from webapi.index.database import connect
from webapi.index.follower import Follower
from webapi.index.overview import reindex
from webapi.index.redis_mirror import BELL, MARKER, QUEUE, Mirror
from webapi.index.table import Index

pytestmark = pytest.mark.slow
RedisServer = Callable[[], tuple[subprocess.Popen[bytes], str]]


@pytest.fixture
def follower(atlas: Atlas, tmp_path: Path) -> Follower:
    settings, uuid = make_settings(tmp_path), atlas.identity().uuid
    return Follower(atlas, settings, Index(connect(None, tmp_path, uuid), uuid))


def test_states_are_mirrored_in_the_missions_words(
    atlas: Atlas, follower: Follower, redis_server: RedisServer
) -> None:
    """job:{job_id} with state, message, asset_path; 3d:queue with what waits, oldest first; the bell rings."""
    _, url = redis_server()
    mirror, store = (
        Mirror(url, follower.index, follower),
        redis.Redis.from_url(url, decode_responses=True),
    )
    follower.known.listeners.append(mirror.heard)
    done = forge(atlas, State.DONE)
    second = forge(atlas, State.CLAIMED, at="2026-11-20T12:00:02+00:00")
    first = forge(atlas, State.CLAIMED, at="2026-11-20T12:00:01+00:00")
    bell: Any = store.pubsub()
    bell.subscribe(BELL)
    follower.look()
    mirror.step()
    assert store.hgetall(f"job:{done.id}") == {
        "state": "completed",
        "message": "done",
        "asset_path": f"done/{done.id}/output/model.glb",
    }
    assert store.hgetall(f"job:{first.id}") == {
        "state": "queued",
        "message": "waits for a worker of queue finish",
        "asset_path": "",
    }
    assert store.lrange(QUEUE, 0, -1) == [first.id, second.id]
    os.rename(first.path, atlas.failed / first.id)
    follower.look()
    mirror.step()
    assert store.hget(f"job:{first.id}", "state") == "failed" and store.lrange(QUEUE, 0, -1) == [
        second.id
    ]
    assert [bell.get_message(timeout=5)["type"] for _ in range(2)] == ["subscribe", "message"]
    atlas.disk.remove_tree(done.path)
    follower.at_rest.begin_anew()
    follower.look()
    mirror.step()
    assert not store.exists(f"job:{done.id}")


def test_a_flushed_redis_is_written_again(
    atlas: Atlas, follower: Follower, redis_server: RedisServer
) -> None:
    _, url = redis_server()
    mirror, store = (
        Mirror(url, follower.index, follower),
        redis.Redis.from_url(url, decode_responses=True),
    )
    place = forge(atlas, State.CLAIMED)
    follower.look()
    mirror.step()
    store.flushall()
    mirror.step()
    assert store.lrange(QUEUE, 0, -1) == [place.id] and store.get(MARKER) == mirror.life


def test_the_bell_wakes_an_intake_that_sees_no_events(
    follower: Follower, atlas: Atlas, redis_server: RedisServer
) -> None:
    """On a network mount nothing else would before its next tick."""
    _, url = redis_server()
    hints, mirror = Hints([], url), Mirror(url, follower.index, follower)
    store = redis.Redis.from_url(url)
    eventually(lambda: store.pubsub_numsub(BELL)[0][1] == 1, 10, "the intake listens")
    hints.wait(0, threading.Event())
    follower.look()
    mirror.step()
    began = time.monotonic()
    hints.wait(30, threading.Event())
    hints.stop()
    assert time.monotonic() - began < 5


def test_redis_going_away_and_coming_back_changes_nothing_for_anybody(
    atlas: Atlas, serve: Callable[..., Server], redis_server: RedisServer
) -> None:
    """The web process starts without it, serves, and fills it when it comes; and again after it died."""
    probe, url = redis_server()
    probe.kill()
    probe.wait()
    server = serve(INBOX3D_HOST__REDIS_URL=url)
    place = forge(atlas, State.DONE)
    eventually(lambda: server.get(f"/3d/status/{place.id}").status == 200, 20, "the job is seen")
    for _ in range(2):
        process, _ = redis_server()
        store = redis.Redis.from_url(url, decode_responses=True)
        eventually(
            lambda store=store: store.hget(f"job:{place.id}", "state") == "completed",
            30,
            "Redis is filled",
        )
        process.kill()
        process.wait()
        assert (
            server.get("/ready").status == 200
            and server.get(f"/3d/status/{place.id}").status == 200
        )


# -- PostgreSQL --------------------------------------------------------------------------------
def test_postgresql_holds_the_same_rows_as_sqlite(
    atlas: Atlas, tmp_path: Path, postgres_url: str
) -> None:
    """The same lists, pages, searches, counts, upserts and deletions."""
    uuid, settings = atlas.identity().uuid, make_settings(tmp_path)
    stores = [
        Index(connect(None, tmp_path, uuid), uuid),
        Index(connect(postgres_url, tmp_path, uuid), uuid),
    ]
    for number in range(9):
        forge(
            atlas,
            list(State)[number % 5],
            name=f"Väse {number}%_",
            at=f"2026-11-20T12:0{number}:00+00:00",
            kind=("scan", "convert")[number % 2],
            by="anna",
        )
    found = []
    for index in stores:
        assert reindex(atlas, settings, index) == reindex(atlas, settings, index) == 9
        pages, token = [], None
        for _ in range(3):
            rows, token, _ = index.page({"state": None}, 4, token)
            pages.append([row["id"] for row in rows])
        filters = (
            {"q": "vÄSE 3%_"},
            {"q": "%"},
            {"kind": "scan", "state": "active"},
            {"since": "2026-11-20T12:05:00+00:00"},
        )
        searches = [[row["id"] for row in index.page(each, 50)[0]] for each in filters]
        found.append(
            (
                pages,
                searches,
                index.counts(),
                index.pace("scan", "standard"),
                index.names("done"),
                index.active(),
            )
        )
    assert found[0] == found[1]
    assert [len(page) for page in found[0][0]] == [4, 4, 1] and [
        len(search) for search in found[0][1]
    ] == [1, 9, 3, 4]


def test_the_web_process_follows_into_postgresql_and_survives_its_loss(
    atlas: Atlas, serve: Callable[..., Server], postgres_url: str
) -> None:
    """A dropped table is made and filled again; `inbox3d reindex` is not needed for a status, which the tree answers."""
    server = serve(INBOX3D_HOST__SQL_URL=postgres_url)
    place = forge(atlas, State.DONE)
    eventually(lambda: server.get("/3d/jobs").json()["total"] == 1, 20, "the job is listed")
    engine = connect(postgres_url, Path("/unused"), "")
    with engine.begin() as db:
        db.execute(sql.text("DROP TABLE inbox3d_jobs"))
    assert server.get(f"/3d/status/{place.id}").json()["state"] == "completed"
    engine.dispose()
    forge(atlas, State.DONE)
    eventually(
        lambda: (listed := server.get("/3d/jobs")).status == 200 and listed.json()["total"] == 2,
        20,
        "both are listed",
    )


def test_an_index_on_a_share_that_is_away_answers_lists_only(
    atlas: Atlas, follower: Follower
) -> None:
    forge(atlas, State.DONE)
    follower.look()
    os.rename(atlas.root, atlas.root.with_name("gone"))
    with pytest.raises(LineFault):
        follower.look()
    assert len(follower.index.page({"state": None}, 10)[0]) == 1
