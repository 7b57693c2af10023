"""What one submitter, and all together, may send: counted before and while it arrives."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from flask import Flask

from layout.tree import Atlas, State
from tests.support.web import PLY, forge
from tests.unit.webapi.routes.test_submit import upload
from webapi.access.keys import Keys
from webapi.context import Web
from webapi.problems import Problem
from webapi.uploads import quota


def test_jobs_of_one_submitter_are_limited(build: Callable[..., Flask], atlas: Atlas) -> None:
    """429 with Retry-After once so many are waiting or running."""
    client = build(INBOX3D_WEB__MAX_WAITING="2").test_client()
    forge(atlas, State.DONE, by="local")
    statuses = [client.post("/3d/generate", json={"prompt": "a"}).status_code for _ in range(3)]
    refused = client.post("/3d/generate", json={"prompt": "a"})
    assert statuses == [202, 202, 429] and int(refused.headers["Retry-After"]) > 0


def test_an_upload_that_is_too_large_is_refused_before_and_while_it_is_read(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """By its Content-Length, and by counting where none is announced."""
    client = build(INBOX3D_WEB__MAX_UPLOAD_GB="0.000001").test_client()
    announced = client.post("/3d/from-scan", data=upload(("a.ply", b"x" * 3000)))
    body = (
        b"--x\r\nContent-Disposition: form-data; name=files; filename=a.ply\r\n\r\n" + b"y" * 3000
    )
    chunked = client.post(
        "/3d/from-scan",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (announced.status_code, chunked.status_code) == (413, 413)
    assert list(atlas.drafts.iterdir()) == []


def test_no_upload_is_taken_where_atlas_has_too_little_room(build: Callable[..., Flask]) -> None:
    client = build(INBOX3D_WEB__FREE_GB="1e9").test_client()
    answer = client.post("/3d/from-scan", data=upload(("a.ply", PLY)))
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_the_bytes_of_one_submitter_are_limited_over_all_its_jobs(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """Waiting, running and arriving together; ended ones, and those of others, do not count."""
    key = Keys(atlas).add("anna", "submit")
    client = build(INBOX3D_WEB__MAX_WAITING_GB="0.000005").test_client()
    forge(atlas, State.DONE, by="anna")
    anna = {"Authorization": f"Bearer {key}"}
    first = client.post("/3d/from-scan", data=upload(("a.ply", b"x" * 3000)), headers=anna)
    second = client.post("/3d/from-scan", data=upload(("b.ply", b"x" * 3000)), headers=anna)
    other = client.post("/3d/from-scan", data=upload(("b.ply", b"x" * 3000)))
    assert (first.status_code, second.status_code, other.status_code) == (202, 429, 202)
    assert (
        "0" in second.headers["Retry-After"]
        and "GB" in second.json["detail"]
        and list(atlas.drafts.iterdir()) == []
    )
    os.rename(atlas.inbox / first.json["job_id"], atlas.failed / first.json["job_id"])
    client.application.extensions["inbox3d"].follower.look()
    assert (
        client.post("/3d/from-scan", data=upload(("b.ply", b"x" * 3000)), headers=anna).status_code
        == 202
    )


def test_uploads_that_arrive_at_once_share_the_quota(build: Callable[..., Flask]) -> None:
    """Each alone would fit; the second is refused while the first is still on its way, and what broke off is given back."""
    web: Web = build(INBOX3D_WEB__MAX_WAITING_GB="0.000005").extensions["inbox3d"]
    with quota.arriving(web, "anna", 3000):
        with pytest.raises(Problem) as refusal, quota.arriving(web, "anna", 3000):
            raise AssertionError("never reached")
        with quota.arriving(web, "anna", 0) as count, pytest.raises(Problem):
            for _ in range(3):
                count(1000)
    assert refusal.value.status == 429
    with quota.arriving(web, "anna", 5000):
        pass


def test_the_room_is_watched_while_an_upload_arrives(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share fills up meanwhile: the upload ends before the floor is reached."""
    room = [10**15]
    monkeypatch.setattr(quota.shutil, "disk_usage", lambda path: SimpleNamespace(free=room[0]))
    with quota.arriving(web, "anna", 1 << 30) as count, pytest.raises(Problem) as refusal:
        count(1 << 20)
        room[0] = -1
        count(quota.LOOK_EVERY)
    assert (refusal.value.status, "Retry-After" in refusal.value.headers) == (503, True)


def test_of_many_at_once_only_as_many_pass_as_may(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """Submissions and retries in threads; what is not listed yet counts too."""
    app, done = build(INBOX3D_WEB__MAX_WAITING="2"), forge(atlas, State.DONE)

    def send(number: int) -> int:
        client = app.test_client()
        return (
            client.post("/3d/generate", json={"prompt": "x"})
            if number % 2
            else client.post(f"/3d/jobs/{done.id}/retry")
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(8)))
    assert statuses == [202] * 2 + [429] * 6
    assert len(atlas.places(State.INBOX)) == 2 and list(atlas.drafts.iterdir()) == []


def test_a_retry_counts_like_a_submission(build: Callable[..., Flask], atlas: Atlas) -> None:
    """A done job's copy belongs to who asked for it: no way around the quota."""
    client, done = build(INBOX3D_WEB__MAX_WAITING="1").test_client(), forge(atlas, State.DONE)
    statuses = [client.post(f"/3d/jobs/{done.id}/retry").status_code for _ in range(2)]
    assert statuses == [202, 429] and len(atlas.places(State.INBOX)) == 1
