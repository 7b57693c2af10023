"""Looking at jobs and acting on them: status, list, detail, cancel, retry, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from layout import lifecycle
from layout.manifest import AtlasFile, ErrorFile
from layout.signs import Progress
from layout.tree import Atlas, State
from tests.support.web import forge
from webapi.context import Web


def test_the_status_has_the_missions_keys_in_every_state(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    """state, message and asset_path, with progress and eta beside them; asset_path only when there is a result."""
    running = forge(
        atlas,
        State.PROCESSING,
        progress=Progress(stage="finish.export", fraction=0.4, message="writing", eta=9.0),
    )
    places = {
        "queued": forge(atlas, State.INBOX),
        "post_processing": running,
        "completed": forge(atlas, State.DONE, output_format="stl"),
        "failed": forge(atlas, State.FAILED),
    }
    look()
    for state, place in places.items():
        found = client.get(f"/3d/status/{place.id}").json
        assert set(found) == {"job_id", "state", "message", "asset_path", "progress", "eta"}
        assert (found["job_id"], found["state"]) == (place.id, state)
        assert found["asset_path"] == (
            f"done/{place.id}/output/model.stl" if state == "completed" else None
        )
    found = client.get(f"/3d/status/{running.id}").json
    assert (found["progress"], found["eta"], found["message"]) == (0.4, 9.0, "writing")
    assert (
        client.get(f"/3d/status/{places['failed'].id}").json["message"]
        == "No two passes could be matched."
    )


def test_a_status_is_right_before_the_index_has_seen_the_job(
    client: FlaskClient, atlas: Atlas
) -> None:
    """The tree is the truth: a job that arrived a moment ago is found there."""
    assert client.get(f"/3d/status/{forge(atlas, State.DONE).id}").json["state"] == "completed"


def test_a_job_that_left_done_is_gone_though_the_index_remembers_it(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    place = forge(atlas, State.DONE)
    look()
    atlas.disk.remove_tree(place.path)
    assert client.get(f"/3d/status/{place.id}").status_code == 404


@pytest.mark.parametrize(
    "id", ["vase-7k3f9q2mxa", "nothing", "..", "%2e%2e%2fdone", "x" * 5000, "a%00b", "%F0%9F%90%87"]
)
def test_an_id_that_is_none_is_a_plain_404(client: FlaskClient, id: str) -> None:
    answer = client.get(f"/3d/status/{id}")
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_waiting_and_cancelled_jobs_say_so_in_the_contracts_words(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    waiting = forge(atlas, State.CLAIMED)
    cancelled = forge(
        atlas,
        State.FAILED,
        error=ErrorFile(
            error="Cancelled", who="submitter", message="Cancelled by a person.", remedy="x"
        ),
    )
    look()
    assert (
        client.get(f"/3d/status/{waiting.id}").json["message"]
        == "waits for a worker of queue finish"
    )
    found = client.get(f"/3d/status/{cancelled.id}").json
    assert (found["state"], found["message"]) == ("failed", "cancelled")


def test_the_eta_of_a_waiting_job_comes_from_such_jobs_before_or_is_null(
    client: FlaskClient,
    atlas: Atlas,
    web: Web,
    look: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five finished ones of the same kind and tier, and a live worker; else nothing is invented."""
    waiting = forge(atlas, State.CLAIMED)
    for seconds in (10, 20, 30, 40):
        forge(atlas, State.DONE, seconds=seconds)
    look()
    monkeypatch.setattr(web.follower, "queues", lambda: {"finish": 1})
    assert client.get(f"/3d/status/{waiting.id}").json["eta"] is None
    forge(atlas, State.DONE, seconds=50)
    look()
    assert client.get(f"/3d/status/{waiting.id}").json["eta"] == 30.0


def test_a_job_between_two_legs_keeps_its_share_and_its_time_counts_from_when_somebody_serves_it(
    client: FlaskClient,
    atlas: Atlas,
    web: Web,
    look: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody serves its queue: no time is invented. The page shows the same words as the API."""
    waiting = forge(atlas, State.CLAIMED, kind="prompt", queue="mesh")
    left = Progress(
        stage="mesh.reconstruct",
        fraction=0.4567,
        message="",
        eta=40.0,
        eta_error=9.0,
        n=0,
        waits="mesh",
    )
    (waiting.path / "progress.json").write_bytes(left.dump())
    look()
    found = client.get(f"/3d/jobs/{waiting.id}").json
    assert (found["progress"], found["eta"], found["left"], found["message"]) == (
        0.4567,
        None,
        None,
        "waits for a worker of queue mesh",
    )
    monkeypatch.setattr(web.follower, "queues", lambda: {"mesh": 1})
    found = client.get(f"/3d/jobs/{waiting.id}").json
    assert (found["eta"], found["left"]) == (40.0, "about 40 s left")
    assert "45% done, about 40 s left" in client.get("/").text


def test_the_time_left_is_said_with_its_error_in_the_list_and_on_the_page(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    told = Progress(
        stage="finish.export",
        fraction=0.579,
        message="writing",
        eta=48.7,
        eta_error=29.0,
        cold=True,
        n=1,
    )
    forge(atlas, State.PROCESSING, progress=told)
    look()
    row = client.get("/3d/jobs").json["jobs"][0]
    assert (row["eta"], row["eta_error"], row["left"]) == (
        48.7,
        29.0,
        "about 50 s left (±30 s, first estimate)",
    )
    page = client.get("/").text
    assert row["left"] in page and "57%" in page


# -- lists -------------------------------------------------------------------------------------
def test_pages_hold_every_job_once_newest_first_though_others_arrive_meanwhile(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    for minute in range(7):
        forge(atlas, State.DONE, name=f"job {minute}", at=f"2026-11-20T12:0{minute}:00+00:00")
    look()
    seen, token = [], ""
    while token is not None:
        page = client.get(f"/3d/jobs?page_size=3{'&page_token=' + token if token else ''}").json
        seen += [job["name"] for job in page["jobs"]]
        token = page["next_page_token"]
        forge(atlas, State.DONE, name="late", at="2026-11-20T13:00:00+00:00")
        look()
    assert seen == [f"job {minute}" for minute in reversed(range(7))]


def test_what_waits_while_the_line_is_halted_says_so(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    """On the page too; what runs goes on."""
    waits, runs = forge(atlas, State.CLAIMED), forge(atlas, State.PROCESSING)
    (atlas.root / "HALT").touch()
    look()
    assert client.get(f"/3d/status/{waits.id}").json["message"] == "waits: halted by HALT"
    assert "halted by HALT" in client.get(f"/jobs/{waits.id}", headers={"Accept": "text/html"}).text
    assert "halted" not in client.get(f"/3d/status/{runs.id}").json["message"]


def test_a_page_token_belongs_to_its_filters(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    """AIP-158: other filters with it are refused; another page size is none."""
    for _ in range(3):
        forge(atlas, State.DONE)
    look()
    token = client.get("/3d/jobs?state=completed&page_size=1").json["next_page_token"]
    assert (
        len(client.get(f"/3d/jobs?state=completed&page_size=5&page_token={token}").json["jobs"])
        == 2
    )
    answer = client.get(f"/3d/jobs?state=failed&page_token={token}")
    assert (answer.status_code, answer.json["type"]) == (422, "/docs#page-token")


def test_a_list_says_how_many_there_are_where_that_is_known(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    for state in (State.DONE, State.DONE, State.FAILED, State.PROCESSING, State.CLAIMED):
        forge(atlas, state)
    look()
    found = {
        query: client.get(f"/3d/jobs?{query}").json["total"]
        for query in ("", "state=completed", "state=active", "state=", "q=vase")
    }
    assert found == {"": 5, "state=completed": 2, "state=active": 2, "state=": 5, "q=vase": None}


def test_lists_are_filtered(client: FlaskClient, atlas: Atlas, look: Callable[[], None]) -> None:
    """state, kind, words of the name, and time; % and _ are plain characters."""
    forge(atlas, State.DONE, name="Red Vase 100%", at="2026-11-19T12:00:00+00:00")
    forge(atlas, State.DONE, name="blue vase", kind="scan")
    forge(atlas, State.FAILED, name="red chair")
    forge(atlas, State.PROCESSING, name="red lamp")
    look()

    def names(query: str) -> set[str]:
        return {job["name"] for job in client.get(f"/3d/jobs?{query}").json["jobs"]}

    assert names("state=failed") == {"red chair"}
    assert names("state=active") == {"red lamp"}
    assert names("q=VASE") == {"Red Vase 100%", "blue vase"}
    assert names("q=red+vase") == {"Red Vase 100%"}
    assert names("q=100%25") == {"Red Vase 100%"} and names("q=_") == set()
    assert names("kind=scan") == {"blue vase"}
    assert names("since=2026-11-20T00:00:00Z&state=completed") == {"blue vase"}
    assert names("since=2026-11-19T13:00:00%2B02:00&q=100") == {"Red Vase 100%"}


@pytest.mark.parametrize(
    "query",
    [
        "state=done",
        "kind=x",
        "page_size=0",
        "page_size=501",
        "page_size=x",
        "page_token=%%%",
        "page_token=W10",
        "since=yesterday",
        "since=",
        "kind=scan&kind=convert",
        "colour=red",
        "q=%00",
    ],
)
def test_a_filter_that_is_none_is_refused_by_name(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/3d/jobs?{query}")
    assert answer.status_code == 422 and query.partition("=")[0] in answer.json["detail"]


def test_the_detail_tells_everything_about_a_job(client: FlaskClient, atlas: Atlas) -> None:
    place = forge(atlas, State.DONE, label="draft", output_format="glb")
    found = client.get(f"/3d/jobs/{place.id}").json
    assert (found["kind"], found["label"], found["options"]["output_format"]) == (
        "convert",
        "draft",
        ["glb"],
    )
    assert found["files"] == [{"path": "part.ply", "size": 118, "sha256": None, "used": True}]
    assert {file["name"] for file in found["artefacts"]} == {
        "model.glb",
        "preview.png",
        "checksums.sha256",
    }
    assert [start["noted"] for start in found["starts"]] == ["finished"]
    assert (
        client.get(f"/3d/jobs/{forge(atlas, State.FAILED).id}").json["error"]["error"]
        == "NoOverlap"
    )


# -- acting ------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [State.INBOX, State.CLAIMED, State.PROCESSING])
def test_a_job_that_has_not_ended_is_cancelled_wherever_it_stands(
    client: FlaskClient, atlas: Atlas, state: State
) -> None:
    place = forge(atlas, state)
    answer = client.post(f"/3d/jobs/{place.id}/cancel")
    assert (answer.status_code, answer.json["state"], answer.json["message"]) == (
        200,
        "failed",
        "cancelled",
    )
    assert [found.path.name for found in atlas.places(State.FAILED)] == [place.id]
    assert "Cancelled by a person." in (atlas.failed / place.id / "error.txt").read_text()


def test_a_failed_job_runs_again_under_its_id_and_a_done_one_as_a_new_job(
    client: FlaskClient, atlas: Atlas
) -> None:
    failed, done = forge(atlas, State.FAILED), forge(atlas, State.DONE)
    again = client.post(f"/3d/jobs/{failed.id}/retry")
    new = client.post(f"/3d/jobs/{done.id}/retry")
    assert (again.status_code, again.json["job_id"], again.json["retry_of"]) == (
        202,
        failed.id,
        None,
    )
    assert (new.status_code, new.json["retry_of"]) == (202, done.id) and new.json[
        "job_id"
    ] != done.id
    assert {place.id for place in atlas.places(State.INBOX)} == {failed.id, new.json["job_id"]}


@pytest.mark.parametrize("state", [State.FAILED, State.DONE])
@pytest.mark.parametrize(
    "how",
    [
        {"json": {"quality_tier": "high"}},
        {"data": {"output_format": "stl"}},
        {"query_string": {"quality_tier": "high"}},
    ],
)
def test_a_retry_refuses_what_it_would_not_heed(
    client: FlaskClient, atlas: Atlas, state: State, how: dict[str, Any]
) -> None:
    """Options for another run would be lost; the job stays where it is. So it is with cancel and
    delete."""
    place = forge(atlas, state)
    for method, rule in (("POST", "/retry"), ("POST", "/cancel"), ("DELETE", "")):
        answer = client.open(f"/3d/jobs/{place.id}{rule}", method=method, **how)
        assert answer.status_code == 422 and answer.json["remedy"]
    assert place.path.is_dir() and not atlas.places(State.INBOX)


def test_where_a_rename_changes_inodes_a_retry_gets_a_new_id(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """The intake would take the moved folder for a copy; the answer names the id that counts."""
    known = atlas.identity()
    atlas.identity_file.write_bytes(AtlasFile(uuid=known.uuid, inodes="changing").dump())
    failed = forge(atlas, State.FAILED)
    answer = build().test_client().post(f"/3d/jobs/{failed.id}/retry").json
    assert answer["retry_of"] == failed.id and answer["job_id"] != failed.id
    assert [place.id for place in atlas.places(State.INBOX)] == [answer["job_id"]]


def test_an_ended_job_goes_to_the_trash_and_the_others_do_not(
    client: FlaskClient, atlas: Atlas
) -> None:
    done, running = forge(atlas, State.DONE), forge(atlas, State.PROCESSING)
    assert client.delete(f"/3d/jobs/{done.id}").status_code == 204
    assert client.get(f"/3d/jobs/{done.id}").status_code == 404
    assert len(list(atlas.trash.iterdir())) == 1
    assert client.delete(f"/3d/jobs/{running.id}").status_code == 409
    assert lifecycle.find(atlas, running.id) is not None


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (State.DONE, "cancel"),
        (State.FAILED, "cancel"),
        (State.CLAIMED, "retry"),
        (State.PROCESSING, "retry"),
    ],
)
def test_what_does_not_fit_the_state_is_a_409(
    client: FlaskClient, atlas: Atlas, state: State, verb: str
) -> None:
    place = forge(atlas, state)
    answer = client.post(f"/3d/jobs/{place.id}/{verb}")
    assert (answer.status_code, answer.content_type) == (
        409,
        "application/problem+json",
    ) and state.value in answer.json["detail"]


def test_acting_on_no_job_is_a_404(client: FlaskClient) -> None:
    for method, path in (("POST", "/cancel"), ("POST", "/retry"), ("DELETE", "")):
        assert client.open(f"/3d/jobs/vase-7k3f9q2mxa{path}", method=method).status_code == 404
