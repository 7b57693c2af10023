"""The index follows the tree, and the events tell of it."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from flask.testing import FlaskClient

from layout import lifecycle
from layout.disk import LineFault
from layout.liveness import Observer
from layout.manifest import write_job
from layout.signs import Progress
from layout.tree import Atlas, State
from pipeline.drops.verdict import Wait
from pipeline.watchers.status import Writer
from tests.support.web import PLY, forge
from webapi.context import Web
from webapi.index.database import connect
from webapi.index.events import Events
from webapi.index.follower import Follower
from webapi.index.overview import overview, reindex
from webapi.index.schema import HOOKS, Row
from webapi.index.table import Index

Changes = list[tuple[str | None, str | None]]


@pytest.fixture
def changes(web: Web) -> Changes:
    """(state before, state after) of everything the follower told, in order."""
    told: Changes = []
    web.follower.known.listeners.append(
        lambda old, new: told.append((old and old.get("state"), new and new["state"]))
    )
    return told


def test_what_each_submitter_has_is_counted_as_jobs_come_and_go(
    atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    """Each submission walked through all that waits, twice and under a lock that all share."""
    known = web.follower.known

    def counted(jobs: int) -> None:
        walked: dict[str, list[int]] = {}
        for row in known.unfinished():
            walked.setdefault(row["submitter"], []).append(row["bytes"])
        assert {who: known.unfinished_of(who) for who in {*walked, *known.held}} == {
            who: (len(sizes), sum(sizes)) for who, sizes in walked.items()
        }
        assert len(known.unfinished()) == jobs

    places = [forge(atlas, State.CLAIMED, kind="convert") for _ in range(3)]
    look()
    counted(3)
    held = lifecycle.start(atlas, places[0], "host-cpu-abcd")
    lifecycle.record_start(atlas, held)
    (held.path / "output").mkdir()
    look()
    counted(3)
    lifecycle.finish(atlas, held)
    look()
    counted(2)
    shutil.rmtree(places[1].path)
    for _ in range(3):
        look()
    counted(1)
    known.at_rest = {}
    known.load()
    counted(1)


def test_a_job_is_followed_from_inbox_to_done(
    atlas: Atlas, web: Web, look: Callable[[], None], changes: Changes
) -> None:
    """Each look tells what changed, once."""
    look()
    place = forge(atlas, State.CLAIMED, kind="convert")
    look()
    look()
    held = lifecycle.start(atlas, place, "host-cpu-abcd")
    lifecycle.record_start(atlas, held)
    look()
    (held.path / "progress.json").write_bytes(
        Progress(stage="finish.export", fraction=0.5, message="half").dump()
    )
    look()
    assert web.index.get(place.id)["progress"] == 0.5  # type: ignore[index]
    (held.path / "output").mkdir()
    lifecycle.finish(atlas, held)
    look()
    assert changes == [
        (None, "queued"),
        ("queued", "post_processing"),
        ("post_processing", "post_processing"),
        ("post_processing", "completed"),
    ]
    assert web.follower.counts == {"completed": 1}


@pytest.mark.parametrize("copied", ["nothing yet", "all"])
@pytest.mark.parametrize("anew", [False, True])
def test_a_copy_that_took_a_jobs_name_in_done_is_named_and_the_result_is_shown(
    atlas: Atlas, web: Web, look: Callable[[], None], copied: str, anew: bool
) -> None:
    """A person's half copy of a running job: its result goes beside it, and the API told of the copy."""
    look()
    held = lifecycle.start(atlas, forge(atlas, State.CLAIMED, kind="convert"), "host-cpu-abcd")
    job = lifecycle.record_start(atlas, held)
    job.inode = held.path.stat().st_ino
    write_job(atlas.disk, held.path, job)
    copy = atlas.done / held.id
    shutil.copytree(held.path, copy) if copied == "all" else copy.mkdir()
    (held.path / "output").mkdir()
    look()
    done = lifecycle.finish(atlas, held)
    assert done.path != copy
    if anew:
        web.index.clear()
    look()
    row = web.index.get(held.id)
    assert row is not None and row["folder"] == f"done/{done.path.name}"
    (line,) = [
        line for line in web.follower.attention.lines() if line.startswith(f"done/{held.id}:")
    ]
    assert f"the job itself stands in done/{done.path.name}" in line


def test_deleting_the_index_loses_nothing(atlas: Atlas, web: Web) -> None:
    """Reindex writes the same rows again."""
    places = [forge(atlas, state, name=f"{state.value} job") for state in State]
    first = reindex(atlas, web.settings, web.index)
    before = {place.id: web.index.get(place.id) for place in places}
    web.index.clear()
    assert (first, reindex(atlas, web.settings, web.index)) == (5, 5)
    assert {place.id: web.index.get(place.id) for place in places} == before


def test_an_index_whose_file_is_taken_away_is_filled_again(
    atlas: Atlas, web: Web, look: Callable[[], None], changes: Changes
) -> None:
    """While the process runs, and without anybody's doing; nobody is told of old jobs again (no webhook is sent twice)."""
    places = [forge(atlas, state, name=f"{state.value} job") for state in State]
    look()
    before = {place.id: web.index.get(place.id) for place in places}
    changes.clear()
    file = Path(str(web.index.engine.url.database))
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()
    look()
    assert file.exists() and {place.id: web.index.get(place.id) for place in places} == before
    assert (web.follower.counts["completed"], changes) == (1, [])


def _overwrite(file: Path) -> None:
    with file.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(os.urandom(max(4096, file.stat().st_size - 4096)))


@pytest.mark.parametrize(
    "harm",
    [
        _overwrite,
        lambda file: os.truncate(file, 0),
        lambda file: file.write_bytes(b"no database at all" * 999),
    ],
)
def test_a_damaged_index_is_thrown_away_and_filled_again(
    atlas: Atlas,
    web: Web,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Path], Any],
) -> None:
    """By the process that runs, by the next one, and by `inbox3d reindex`."""
    places = [forge(atlas, state, name=f"{state.value} job") for state in State]
    file = Path(str(web.index.engine.url.database))

    def damage() -> None:
        with web.index.engine.connect() as db:
            db.execute(sql.text("PRAGMA wal_checkpoint(TRUNCATE)"))
        web.index.engine.dispose()
        harm(file)

    def look(follower: Follower) -> None:
        for _ in range(2):  # the first finds the damage
            monkeypatch.setattr(follower._over, "wait", lambda seconds: follower._over.set())
            follower._over.clear()
            follower.run()

    look(web.follower)
    damage()
    look(web.follower)
    assert client.get("/3d/jobs").json["total"] == len(places)
    damage()
    again = Index(connect(None, file.parent, atlas.identity().uuid), atlas.identity().uuid)
    look(Follower(atlas, web.settings, again))
    assert sum(again.counts().values()) == len(places)
    again.engine.dispose()
    damage()
    assert reindex(
        atlas,
        web.settings,
        Index(connect(None, file.parent, atlas.identity().uuid), atlas.identity().uuid),
    ) == len(places)


def test_webhooks_to_be_sent_outlive_the_loss_of_the_index(
    atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    look()
    hook = {"id": "vase.1", "url": "https://example.org/", "body": "{}", "tries": 2, "due": 5.0}
    with web.index.engine.begin() as db:
        db.execute(sql.insert(HOOKS), [hook])
    Path(str(web.index.engine.url.database)).unlink()
    look()
    with web.index.engine.connect() as db:
        assert [dict(row) for row in db.execute(sql.select(HOOKS)).mappings()] == [hook]


def test_without_its_index_the_service_answers_from_the_tree(
    client: FlaskClient,
    atlas: Atlas,
    web: Web,
    look: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A status, a submission, a cancellation and a deletion need none; a list says so. Afterwards everything is there."""
    done = forge(atlas, State.DONE)
    look()

    def away() -> Any:
        raise sql.exc.OperationalError("", None, Exception("the server closed the connection"))

    with monkeypatch.context() as broken:
        broken.setattr(web.index.engine, "raw_connection", away)
        broken.setattr(web.index.engine, "connect", away)
        broken.setattr(web.index.engine, "begin", away)
        assert client.get(f"/3d/status/{done.id}").json["state"] == "completed"
        id = client.post("/3d/generate", json={"prompt": "a cup"}).json["job_id"]
        assert client.get(f"/3d/status/{id}").json["state"] == "queued"
        assert client.post(f"/3d/jobs/{id}/cancel").status_code == 200
        assert client.delete(f"/3d/jobs/{done.id}").status_code == 204
        answer = client.get("/3d/jobs")
        assert (answer.status_code, answer.json["type"], answer.headers["Retry-After"]) == (
            503,
            "/docs#index",
            "5",
        )
    look()
    assert {job["job_id"] for job in client.get("/3d/jobs").json["jobs"]} == {id}


def test_an_index_of_another_tree_is_thrown_away(atlas: Atlas, web: Web) -> None:
    forge(atlas, State.DONE)
    reindex(atlas, web.settings, web.index)
    assert Index(web.index.engine, "another").counts() == {}


def test_a_job_taken_away_by_hand_leaves_the_index(
    atlas: Atlas, web: Web, look: Callable[[], None], changes: Changes
) -> None:
    """From done/ at the next look, from an active folder only after several."""
    done, waiting = forge(atlas, State.DONE), forge(atlas, State.CLAIMED)
    look()
    atlas.disk.remove_tree(done.path)
    atlas.disk.remove_tree(waiting.path)
    look()
    assert web.index.get(done.id) is None and web.index.get(waiting.id) is not None
    look()
    look()
    assert web.index.get(waiting.id) is None
    assert changes == [("ended", None), ("queued", None)]


def test_one_listing_that_skips_a_job_changes_nothing(
    atlas: Atlas,
    web: Web,
    look: Callable[[], None],
    changes: Changes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Listings of a share may skip entries while others rename."""
    forge(atlas, State.CLAIMED), forge(atlas, State.DONE)
    look()
    real = atlas.disk.scandir
    monkeypatch.setattr(
        atlas.disk,
        "scandir",
        lambda path: [] if path in (atlas.claimed, atlas.done) else real(path),
    )
    look()
    monkeypatch.undo()
    look()
    assert changes == [] and web.follower.counts == {"queued": 1, "completed": 1}


def test_a_share_that_is_away_is_said_and_forgets_nothing(
    atlas: Atlas, web: Web, look: Callable[[], None], client: FlaskClient, tmp_path: object
) -> None:
    """Lists still answer; /ready does not."""
    forge(atlas, State.DONE)
    look()
    os.rename(atlas.pipeline, atlas.root / "away")
    with pytest.raises(LineFault):
        web.follower.look()
    web.follower.looked -= 60
    assert client.get("/3d/jobs").json["total"] == 1
    assert client.get("/ready").status_code == 503 and client.get("/health").status_code == 200


def test_another_tree_at_the_same_path_is_not_taken_for_this_one(
    atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    """Its jobs are not mixed in; a restored tree makes the process begin anew."""
    forge(atlas, State.DONE)
    look()
    known, restarts = atlas.identity(), []
    web.follower.restart = lambda: restarts.append(1)
    atlas.identity_file.write_bytes(known.model_copy(update={"uuid": "another"}).dump())
    forge(atlas, State.DONE)
    with pytest.raises(LineFault, match="another tree"):
        web.follower.look()
    assert sum(web.index.counts().values()) == 1 and restarts == []
    atlas.identity_file.write_bytes(known.model_copy(update={"epoch": 2}).dump())
    with pytest.raises(LineFault):
        web.follower.look()
    assert restarts == [1]


def test_a_folder_with_a_hostile_job_json_stops_nobody(
    atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    """Not JSON, huge, deep, a link, a newer format, NUL and surrogates in names: left out or shown as data."""
    good = forge(atlas, State.DONE)
    bodies = [b"", b"{", b"[" * 200_000, b"x" * (3 << 20), b'{"format": 99}', b"\xff\xfe"]
    for body in bodies:
        (forge(atlas, State.FAILED).path / "job.json").write_bytes(body)
    odd = forge(atlas, State.DONE)
    text = json.loads((odd.path / "job.json").read_text())
    text["source"]["name"], text["options"] = (
        "a\0b\n" * 500,
        {"output_format": 7, "quality_tier": ["x"], "webhook_url": {}},
    )
    (odd.path / "job.json").write_text(json.dumps(text))
    look()
    assert web.index.get(good.id) is not None
    assert web.index.get(odd.id)["name"].startswith("a b a b")  # type: ignore[index]


def test_what_arrives_is_shown_with_the_intakes_reason(
    atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    """Whatever a drop is called: no name is taken for another one and its reason. Without the intake's word it arrives."""
    waits = {
        "vase": "quiet for 3 of 30 s",
        "vase: red": "waits for unfinished copies: a.ply.part",
        "b\udcffd": "is no text",
    }
    for name in [*waits, "new"]:
        (atlas.inbox / name).mkdir()
        (atlas.inbox / name / "a.ply").write_bytes(PLY)
    observer = Observer(atlas, 1.0, 3, lambda: 0)
    Writer(atlas, 0.0).write(
        {name: Wait(reason, 1.0) for name, reason in waits.items()}, None, observer
    )
    look()
    arriving = {drop["name"]: drop["reason"] for drop in overview(web.follower)["arriving"]}
    assert (arriving["vase"], arriving["vase: red"], arriving["new"]) == (
        waits["vase"],
        waits["vase: red"],
        "arriving",
    )
    assert "is no text" in arriving.values()


def test_a_queue_that_nobody_serves_stands_out(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    forge(atlas, State.CLAIMED, kind="scan", queue="scan")
    (atlas.root / "HALT").touch()
    look()
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert "No live worker serves scan" in page and "Halted" in page


# -- events ------------------------------------------------------------------------------------
def test_a_stream_goes_on_after_the_last_event_it_had() -> None:
    """Nothing twice, nothing missing."""
    events = Events(4)
    for number in range(5):
        events.publish("job", {"n": number}, f"job-{number}")
    stream = events.stream(f"{events.life}-3")
    next(stream)
    assert [next(stream).removeprefix("retry: 2000\n").split("\n")[0] for _ in range(2)] == [
        f"id: {events.life}-4",
        f"id: {events.life}-5",
    ]
    events.publish("job", {"n": 5}, "job-5")
    assert '"n": 5' in next(stream)
    stream.close()
    assert events.listening == 0


@pytest.mark.parametrize("last", ["other-3", "life-999", "x", "--", "life-" + "9" * 40])
def test_a_number_that_cannot_be_resumed_is_told_to_load_again(last: str) -> None:
    events = Events(4)
    events.publish("job", {})
    stream = events.stream(last.replace("life", events.life))
    next(stream)
    assert "event: reset" in next(stream)
    stream.close()


def test_a_jobs_stream_begins_with_how_it_stands_and_ends_with_its_end(
    client: FlaskClient, atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    running, done = forge(atlas, State.PROCESSING), forge(atlas, State.DONE)
    look()
    assert client.get(f"/3d/jobs/{done.id}/events").text.count("event: job") == 1
    stream = web.events.stream(
        None, running.id, lambda: {"state": "aligning"}, lambda data: data["state"] == "completed"
    )
    assert next(stream).startswith(":")
    first = next(stream)
    assert first.startswith("retry: 2000\nid: ") and "\ndata: " in first and "aligning" in first
    web.events.publish("job", {"state": "queued"}, "another")
    web.events.publish("job", {"state": "completed"}, running.id)
    assert "completed" in next(stream)
    assert next(stream, None) is None


def test_streams_are_limited_and_a_slow_reader_loses_its_own_only(client: FlaskClient) -> None:
    events = Events(2)
    slow, other = events.stream(None), events.stream(None)
    next(slow), next(other)
    with pytest.raises(Exception, match="Too many pages"):
        events.stream(None)
    for number in range(600):
        events.publish("job", {"n": number})
        if number % 100 == 0:
            while f'"n": {number}}}' not in next(other):
                continue
    began = time.monotonic()
    assert sum(1 for _ in slow) <= 1 and time.monotonic() - began < 5
    other.close()


def test_the_events_of_the_tree_are_published(
    atlas: Atlas, web: Web, look: Callable[[], None]
) -> None:
    look()
    place = forge(atlas, State.CLAIMED)
    look()
    kept: list[tuple[str, Row]] = [(event.what, event.data) for event in web.events._kept]
    assert [what for what, _ in kept] == ["overview", "job", "overview"]
    assert kept[1][1]["job_id"] == place.id and kept[1][1]["state"] == "queued"


@pytest.mark.parametrize("content", [b"{", b"", b'{"format": 99}', b"\x00" * 100])
def test_a_folder_that_no_list_can_show_is_named_and_hides_no_other(
    atlas: Atlas, web: Web, look: Callable[[], None], client: FlaskClient, content: bytes
) -> None:
    """In done/ nobody writes job.json anew: the page and the heartbeats say what is wrong with it."""
    bad, good = forge(atlas, State.DONE, kind="convert"), forge(atlas, State.DONE, kind="convert")
    (bad.path / "job.json").write_bytes(content)
    look()
    assert web.index.get(good.id) and not web.index.get(bad.id)
    (line,) = overview(web.follower)["attention"]
    assert line.startswith(
        f"done/{bad.id}: no list shows it, because its job.json is missing, damaged, or of a newer inbox3d"
    )
    page = client.get("/", environ_base={"REMOTE_ADDR": "127.0.0.1"}).get_data(as_text=True)
    assert "Needs attention" in page and line in page
