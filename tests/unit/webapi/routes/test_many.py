"""Lists in any order and both ways; several jobs at once; names and tags that people give."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout.signs import Heartbeat, Progress
from layout.tree import Atlas, State
from tests.support.web import FOREIGN, forge
from webapi.context import Web
from webapi.index import paging


@pytest.fixture
def shelf(atlas: Atlas, look: Callable[[], None]) -> list[str]:
    """Ids of seven finished jobs, a day apart, names from g to a."""
    found = [
        forge(atlas, State.DONE, name=name, at=f"2026-11-{day + 10}T12:00:00+00:00").id
        for day, name in enumerate("gfedcba")
    ]
    look()
    return found


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [job["job_id"] for job in answer.json["jobs"]]


@pytest.mark.parametrize("sort", ["newest", "oldest", "name", "largest"])
def test_pages_go_on_and_back_in_every_order(
    client: FlaskClient, shelf: list[str], sort: str
) -> None:
    """Whatever the order, the pages joined are the whole, and going back shows what was shown."""
    whole = ids(client.get(f"/3d/jobs?sort={sort}"))
    assert sorted(whole) == sorted(shelf)
    assert whole == {"newest": shelf[::-1], "oldest": shelf, "name": shelf[::-1]}.get(sort, whole)
    there, url = [], f"/3d/jobs?sort={sort}&page_size=3"
    token: str | None = ""
    while token is not None:
        page = client.get(url + (f"&page_token={token}" if token else ""))
        there.append(ids(page))
        token, back = page.json["next_page_token"], page.json["previous_page_token"]
    assert [len(page) for page in there] == [3, 3, 1]
    assert [id for page in there for id in page] == whole
    for page in there[-2::-1]:
        answer = client.get(f"{url}&page_token={back}")
        assert ids(answer) == page
        back = answer.json["previous_page_token"]
    assert back is None and answer.json["next_page_token"]


def test_dates_bound_a_list_from_both_sides(client: FlaskClient, shelf: list[str]) -> None:
    assert ids(client.get("/3d/jobs?since=2026-11-12&until=2026-11-14")) == [shelf[3], shelf[2]]
    text = client.get("/done?from=2026-11-12&to=2026-11-13").get_data(as_text=True)
    assert [id for id in shelf if f"/jobs/{id}" in text] == [shelf[2], shelf[3]]
    refused = client.get("/3d/jobs?until=never")
    assert refused.status_code == 422 and refused.json["detail"].startswith("until: ")


def test_one_verb_for_many_says_of_each_what_became_of_it(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    failed, running = forge(atlas, State.FAILED), forge(atlas, State.PROCESSING)
    look()
    asked = {"do": "retry", "jobs": [failed.id, running.id, "none-0000000000"]}
    done = client.post("/3d/jobs/many", json=asked).json["jobs"]
    assert [(one["job_id"], one["done"]) for one in done] == [
        (failed.id, True), (running.id, False), ("none-0000000000", False),
    ]  # fmt: skip
    assert "has not ended" in done[1]["why"] and "no job" in done[2]["why"]
    assert client.post("/3d/jobs/many", json=asked, headers=FOREIGN).status_code == 401


def test_all_of_mine_are_cancelled_and_nobody_elses(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None], web: Web
) -> None:
    theirs = forge(atlas, State.CLAIMED, by="somebody")
    look()
    name = client.post("/3d/generate", json={"prompt": "a cube"}).json["job_id"]
    done = client.post("/3d/jobs/cancel-mine").json["jobs"]
    assert [(one["job_id"], one["done"]) for one in done] == [(name, True)]
    assert theirs.path.is_dir()


def test_several_models_come_as_one_zip_that_can_be_fetched_in_parts(
    client: FlaskClient, shelf: list[str]
) -> None:
    url = f"/3d/download?job={shelf[0]}&job={shelf[1]}"
    whole = client.get(url)
    assert whole.status_code == 200, whole.get_data(as_text=True)
    archive = zipfile.ZipFile(io.BytesIO(whole.data))
    assert archive.testzip() is None
    assert {name.partition("/")[0] for name in archive.namelist()} == set(shelf[:2])
    part = client.get(url, headers={"Range": "bytes=100-"})
    assert (part.status_code, part.data) == (206, whole.data[100:])
    assert client.get("/3d/download").status_code == 422


def test_a_name_and_tags_stand_in_one_file_and_lists_go_by_them(
    client: FlaskClient, atlas: Atlas, shelf: list[str], look: Callable[[], None], web: Web
) -> None:
    """Searched, sorted and filtered by; another web host hears of them; an index made anew too."""
    body = {"name": "Grandma's  jug", "tags": ["Kitchen", "old  things"]}
    told = client.put(f"/3d/jobs/{shelf[3]}/labels", json=body)
    assert (told.json["name"], told.json["tags"]) == ("Grandma's jug", ["kitchen", "old things"])
    kept = json.loads((atlas.labels / f"{shelf[3]}.json").read_text())
    assert kept == {"format": 1, "called": "Grandma's jug", "tags": ["kitchen", "old things"]}
    for _ in range(2):
        for query in ("tag=kitchen", "q=grandma", "tag=Old%20Things"):
            assert ids(client.get(f"/3d/jobs?{query}")) == [shelf[3]], query
        assert ids(client.get("/3d/jobs?sort=name"))[-1] == shelf[3]
        assert client.get("/3d/tags").json["tags"][0] == {"tag": "kitchen", "jobs": 1}
        web.follower._begin_anew()
        look()
    (atlas.labels / f"{shelf[3]}.json").write_text('{"format": 1, "tags": ["by hand"]}')
    web.follower.given._mark = -1
    look()
    assert ids(client.get("/3d/jobs?tag=by%20hand")) == [shelf[3]]
    assert client.get(f"/3d/jobs/{shelf[3]}").json["name"] == "d"
    assert ids(client.get("/3d/jobs?tag=kitchen")) == []
    wrong = client.put(f"/3d/jobs/{shelf[3]}/labels", json={"tags": ["a,b"]})
    assert wrong.status_code == 422
    wrong = client.put(f"/3d/jobs/{shelf[3]}/labels", json={"name": "\x00"})
    assert wrong.json["errors"][0]["field"] == "name"
    assert client.put("/3d/jobs/none-0000000000/labels", json={}).status_code == 404


def test_a_tree_of_before_labels_gets_its_folder_with_the_first_one(
    client: FlaskClient, atlas: Atlas, shelf: list[str]
) -> None:
    atlas.labels.rmdir()
    assert client.put(f"/3d/jobs/{shelf[0]}/labels", json={"tags": ["x"]}).status_code == 200


def test_a_dashboard_gets_its_numbers_in_one_call(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    for state in (State.CLAIMED, State.CLAIMED, State.PROCESSING, State.DONE, State.FAILED):
        forge(atlas, state)
    look()
    found = client.get("/3d/counts").json
    numbers = {key: found[key] for key in ("waiting", "running", "completed", "failed", "workers")}
    assert numbers == {"waiting": 2, "running": 1, "completed": 1, "failed": 1, "workers": 0}
    assert found["queues"] == [{"name": "finish", "waiting": 2, "workers": 0}]
    assert found["halted"] is False


@pytest.mark.parametrize("few", [0, 2000], ids=["many of these days", "few of these days"])
def test_lists_by_tag_and_by_days_are_whole_in_every_order(
    client: FlaskClient, web: Web, shelf: list[str], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Both ways through the pages, whichever way the database finds them; a job that ends or goes
    is found, or not, by its tag too."""
    monkeypatch.setattr(paging, "FEW", few)
    for id in shelf[1:6]:
        client.put(f"/3d/jobs/{id}/labels", json={"tags": ["kitchen"]})
    days = "since=2026-11-12&until=2026-11-15"
    for query, found in (
        ("tag=kitchen&sort=oldest", shelf[1:6]),
        ("tag=kitchen&kind=convert&sort=name", shelf[1:6][::-1]),
        (f"tag=kitchen&{days}&sort=name", shelf[2:5][::-1]),
        (f"{days}&sort=name&state=completed", shelf[2:5][::-1]),
        ("tag=kitchen&kind=scan", []),
    ):
        seen, token = [], ""
        while token is not None:
            more = f"&page_token={token}" if token else ""
            page = client.get(f"/3d/jobs?{query}&page_size=2{more}")
            seen.append(ids(page))
            token = page.json["next_page_token"]
        assert [id for page in seen for id in page] == found, query
        if back := page.json["previous_page_token"]:
            before = client.get(f"/3d/jobs?{query}&page_size=2&page_token={back}")
            assert ids(before) == seen[-2], query
    client.delete(f"/3d/jobs/{shelf[1]}")
    assert ids(client.get("/3d/jobs?tag=kitchen&sort=oldest")) == shelf[2:6]
    assert client.get("/3d/tags").json["tags"] == [{"tag": "kitchen", "jobs": 4}]


def test_a_waiting_job_tells_its_turn(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    first, second = (
        forge(atlas, State.CLAIMED, at=f"2026-11-20T12:0{minute}:00+00:00").id for minute in (1, 2)
    )
    look()
    turns = [client.get(f"/3d/jobs/{id}").json["position"] for id in (first, second)]
    assert turns == [1, 2]


def test_an_urgent_job_comes_before_those_that_are_not(
    client: FlaskClient, web: Web, atlas: Atlas, look: Callable[[], None]
) -> None:
    """In the API, on the page, and in what the mirror tells; the page says which is urgent."""
    first, second = (
        forge(atlas, State.CLAIMED, name, at=f"2026-11-20T12:0{minute}:00+00:00", urgent=minute > 1)
        for minute, name in ((1, "jug"), (2, "fork"))
    )
    look()
    told = [client.get(f"/3d/jobs/{place.id}").json for place in (first, second)]
    assert [(one["position"], one["urgent"]) for one in told] == [(2, False), (1, True)]
    assert [row["id"] for row in web.follower.known.waiting()] == [second.id, first.id]
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert page.index(second.id) < page.index(first.id)
    assert page.count('<span class="label">urgent</span>') == 1


def test_what_each_worker_holds_is_told(
    client: FlaskClient, web: Web, atlas: Atlas, look: Callable[[], None]
) -> None:
    """By the job's name, with how far it is; an idle one holds nothing. The folder says it, so a
    heartbeat that is older than the last move contradicts nothing."""
    held = forge(
        atlas,
        State.PROCESSING,
        "Grandma's jug",
        progress=Progress(stage="finish.export", fraction=0.5, message="x"),
    )
    beats = [
        Heartbeat(worker=name, role="worker", counter=1, boot="x", pid=1, queues=("finish",))
        for name in ("host-cpu-abcd", "host-cpu-efgh")
    ]
    beats[0] = beats[0].model_copy(update={"message": "idle"})
    beats[1] = beats[1].model_copy(update={"job": "jug-7k3f9q2mxa", "message": "working"})
    web.follower.workers = lambda: beats  # type: ignore[method-assign]
    look()
    busy, idle = client.get("/3d/workers").json["workers"]
    assert (busy["job_id"], busy["job_name"], busy["progress"]) == (held.id, "Grandma's jug", 0.5)
    assert (idle["job_id"], idle["job_name"], idle["queues"]) == (None, None, ["finish"])
    assert (busy["message"], idle["message"]) == ("working", "idle")
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert f'<a href="/jobs/{held.id}">Grandma&#39;s jug</a></span>' in page
