"""Calling out when a job ends: webhooks that are signed and guarded, notifications that are counted (rule 14)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sql
from flask import Flask

from layout.tree import Atlas, State
from tests.support.web import forge, receiver
from webapi.access.keys import signing_secret
from webapi.context import Web
from webapi.index.schema import HOOKS
from webapi.notify.webhooks import WAITS, Caller, signature

LAN = {"INBOX3D_WEB__WEBHOOK_LAN": "127.0.0.0/8"}


def caller_of(app: Flask) -> Caller:
    web: Web = app.extensions["inbox3d"]
    caller = Caller(web.atlas, web.settings, web.index)
    web.follower.known.listeners.append(caller.heard)
    return caller


def ended(app: Flask, atlas: Atlas, **options: Any) -> str:
    """A job that the follower sees running and then done."""
    import os

    web: Web = app.extensions["inbox3d"]
    running = forge(atlas, State.PROCESSING, **options)
    web.follower.look()
    (running.path / "output").mkdir(exist_ok=True)
    os.rename(running.path, atlas.done / running.id)
    web.follower.look()
    return running.id


def pending(web: Web) -> list[dict[str, Any]]:
    with web.index.engine.connect() as db:
        return [dict(row) for row in db.execute(sql.select(HOOKS)).mappings()]


def test_a_webhook_is_sent_once_and_signed_as_standard_webhooks_says(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    app = build(**LAN)
    caller = caller_of(app)
    with receiver() as other:
        id = ended(app, atlas, webhook_url=f"{other.url}/hook?x=1")
        caller.deliver()
        caller.deliver()
        (path, headers, body), = other.got  # fmt: skip
    assert (
        path == "/hook?x=1"
        and json.loads(body)["type"] == "job.completed"
        and json.loads(body)["data"]["job_id"] == id
    )
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(
        hmac.new(signing_secret(atlas), signed, hashlib.sha256).digest()
    ).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert pending(app.extensions["inbox3d"]) == []


def test_the_signature_is_that_of_the_published_example() -> None:
    """The vector of the Standard Webhooks specification."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', 1614265330)
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_reaches_no_inner_address_that_was_not_named(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """Also when job.json, which a person can write, names one; nothing is tried again."""
    app = build()
    caller = caller_of(app)
    with receiver() as other:
        ended(app, atlas, webhook_url=other.url)
        caller.deliver()
        assert other.got == []
    assert pending(app.extensions["inbox3d"]) == []


def test_a_name_that_does_not_resolve_at_present_is_tried_again(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    app = build()
    caller = caller_of(app)
    ended(app, atlas, webhook_url="https://nowhere.invalid/hook")
    caller.deliver()
    assert [row["tries"] for row in pending(app.extensions["inbox3d"])] == [1]


@pytest.mark.parametrize("status", [301, 302, 307, 500, 404])
def test_a_redirect_is_not_followed_and_a_failure_is_tried_again_later(
    build: Callable[..., Flask], atlas: Atlas, status: int
) -> None:
    app = build(**LAN)
    caller = caller_of(app)
    with receiver() as inner, receiver(status, location=inner.url) as other:
        ended(app, atlas, webhook_url=other.url)
        caller.deliver()
        assert (len(other.got), inner.got) == (1, [])
        caller.deliver()
        assert len(other.got) == 1
    (row,) = pending(app.extensions["inbox3d"])
    assert row["tries"] == 1 and row["due"] > time.time()


def test_a_webhook_is_given_up_after_the_last_try(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    app = build(**LAN)
    web, caller = app.extensions["inbox3d"], caller_of(app)
    with receiver(500) as other:
        ended(app, atlas, webhook_url=other.url)
        for _ in range(len(WAITS) + 2):
            with web.index.engine.begin() as db:
                db.execute(sql.update(HOOKS).values(due=0))
            caller.deliver()
        assert len(other.got) == len(WAITS)
    assert pending(web) == []


def test_a_restart_neither_loses_a_webhook_nor_calls_for_old_jobs(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """The job ended while no web process ran: it is called for once; what had ended before is not."""
    import os

    first = build(**LAN).extensions["inbox3d"]
    with receiver() as other:
        forge(atlas, State.DONE, webhook_url=f"{other.url}/old")
        running = forge(atlas, State.PROCESSING, webhook_url=f"{other.url}/new")
        first.follower.look()
        (running.path / "output").mkdir(exist_ok=True)
        os.rename(running.path, atlas.done / running.id)
        app = build(**LAN)
        caller = caller_of(app)
        app.extensions["inbox3d"].follower.look()
        caller.deliver()
        assert [path for path, _, _ in other.got] == ["/new"]


def test_notifications_are_joined_and_limited(build: Callable[..., Flask], atlas: Atlas) -> None:
    app = build(**LAN)
    with receiver(200) as other:
        address = f"json://{other.url.partition('://')[2]}"
        app = build(**LAN, INBOX3D_WEB__NOTIFY=address)
        caller = caller_of(app)
        ended(app, atlas, name="one")
        ended(app, atlas, name="two")
        caller.notices.send()
        caller.notices.send()
        (message,) = [json.loads(body) for _, _, body in other.got]
    assert (
        "2 notices" in message["title"]
        and "one" in message["message"]
        and "two" in message["message"]
    )
