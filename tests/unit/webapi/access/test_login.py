"""Who signed in at a proxy: believed from named addresses, and from nobody else."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from layout.manifest import read_job
from layout.tree import Atlas, State
from pipeline.cli import _this_tree
from pipeline.config import SettingsRefused
from tests.support.web import forge
from webapi.access.keys import Keys

ON = {"INBOX3D_WEB__LOGIN_HEADER": "Remote-User", "INBOX3D_WEB__LOGIN_FROM": "10.0.20.2,127.0.0.1"}
ANNA = {"Remote-User": "anna"}
PROXY, OTHER = {"REMOTE_ADDR": "10.0.20.2"}, {"REMOTE_ADDR": "10.0.20.3"}
PROMPT = {"prompt": "a red cube"}


def ask(client: FlaskClient, headers: dict[str, str], where: dict[str, str]) -> int:
    sent = client.post("/3d/generate", json=PROMPT, headers=headers, environ_overrides=where)
    return sent.status_code


def test_it_is_off_unless_it_is_asked_for(client: FlaskClient) -> None:
    assert ask(client, ANNA, PROXY) == 401


def test_a_named_proxy_is_believed_and_nobody_else(
    build: Callable[..., Flask], atlas: Atlas, caplog: pytest.LogCaptureFixture
) -> None:
    """The job is sent by who signed in; from elsewhere the header counts as nothing, and the log says so once."""
    client = build(**ON).test_client()
    assert ask(client, ANNA, PROXY) == 202
    (place,) = atlas.places(State.INBOX)
    assert read_job(atlas.disk, place.path).source.by == "anna"
    mapped = {"REMOTE_ADDR": "::ffff:10.0.20.2"}
    assert ask(client, {}, PROXY) == 401 and ask(client, ANNA, mapped) == 202
    with caplog.at_level(logging.WARNING):
        assert [ask(client, ANNA, OTHER) for _ in range(2)] == [401, 401]
    assert caplog.text.count("login.ignored from=10.0.20.3") == 1


@pytest.mark.parametrize("name", ["", "   ", "anna,admin", "a" * 101, "an\x07na"])
def test_what_is_no_one_name_is_nobody(build: Callable[..., Flask], name: str) -> None:
    """Two headers arrive as one with a comma: a client's own beside the proxy's."""
    client = build(**ON).test_client()
    assert ask(client, {"Remote-User": name}, PROXY) == 401


def test_its_scope_is_the_settings_and_a_key_outranks_it(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    client = build(
        **ON, INBOX3D_WEB__LOGIN_SCOPE="read", INBOX3D_WEB__LOGIN_ADMINS="ünal"
    ).test_client()
    done = forge(atlas, State.DONE)
    delete: dict[str, Any] = {"path": f"/3d/jobs/{done.id}", "environ_overrides": PROXY}
    assert ask(client, ANNA, PROXY) == 403
    bearer = {"Authorization": f"Bearer {Keys(atlas).add('robot', 'submit')}"}
    assert ask(client, {**ANNA, **bearer}, PROXY) == 202
    wrong = {**ANNA, "Authorization": "Bearer i3d_x_y"}
    assert ask(client, wrong, PROXY) == 401
    assert client.delete(headers=ANNA, **delete).status_code == 403
    admin = {"Remote-User": "ünal".encode().decode("latin-1")}
    assert client.delete(headers=admin, **delete).status_code == 204


def test_on_the_same_host_who_signed_in_is_no_local_everybody(build: Callable[..., Flask]) -> None:
    """A proxy on loopback that adds no header of its own."""
    client = build(**ON, INBOX3D_WEB__LOGIN_SCOPE="read").test_client()
    here = {"REMOTE_ADDR": "127.0.0.1"}
    assert ask(client, ANNA, here) == 403 and ask(client, {}, here) == 202


def test_a_browsers_form_still_needs_its_token(build: Callable[..., Flask]) -> None:
    """Signed in at the proxy, every page of a strange site could send one."""
    client = build(**ON).test_client()
    browser = {**ANNA, "Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert ask(client, browser, PROXY) == 403
    page = client.get("/", headers=browser | {"Accept": "text/html"}, environ_overrides=PROXY).text
    assert "anna</span>" in page and "Sign out" not in page
    token = re.search(r'name="csrf" content="([^"]+)"', page)
    assert token and ask(client, browser | {"X-CSRF-Token": token[1]}, PROXY) == 202


def test_settings_that_would_believe_nobody_or_everybody_are_named(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """The service does not start with the one; doctor calls the other wrong, and tells what a good one risks."""
    for wrong in ({}, {"INBOX3D_WEB__LOGIN_FROM": "the proxy"}):
        with pytest.raises(SettingsRefused, match="login_from"):
            build(INBOX3D_WEB__LOGIN_HEADER="Remote-User", **wrong)
    levels = []
    for believed in ("[]", '["0.0.0.0/0"]', '["10.0.20.2"]'):
        atlas.config_file.write_text(
            f'[web]\nlogin_header = "Remote-User"\nlogin_from = {believed}\n'
        )
        (finding,) = _this_tree._login(atlas)
        levels.append(finding.level)
        assert finding.remedy or "anybody" in finding.detail
    assert levels == ["wrong", "wrong", "fine"]
