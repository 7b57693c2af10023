"""Who may do what, and everything that tries to get around it (rules 9 to 12 and 15 of the security list)."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from html import escape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from layout.tree import Atlas, State
from tests.support.web import FOREIGN, PLY, forge
from webapi.access.keys import Keys, Scope, signing_secret
from webapi.context import Web
from webapi.serving import server

BROWSER = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
LAN = {"REMOTE_ADDR": "10.0.20.9"}
PROMPT = {"prompt": "a red cube"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def statuses(client: FlaskClient, atlas: Atlas, **how: Any) -> list[int]:
    """What looking, submitting, deleting and scraping metrics come to."""
    done = forge(atlas, State.DONE)
    return [
        client.get("/3d/jobs", **how).status_code,
        client.post("/3d/generate", json=PROMPT, **how).status_code,
        client.delete(f"/3d/jobs/{done.id}", **how).status_code,
        client.get("/metrics", **how).status_code,
    ]


# -- places and keys ---------------------------------------------------------------------------
def test_on_loopback_everything_works_without_a_key(client: FlaskClient, atlas: Atlas) -> None:
    assert statuses(client, atlas) == [200, 202, 204, 200]


@pytest.mark.parametrize(
    ("lan", "expected"),
    [("key", [401, 401, 401, 401]), ("read", [200, 401, 401, 401]), ("open", [200, 202, 204, 401])],
)
@pytest.mark.parametrize(
    "how", [{"headers": FOREIGN}, {"environ_overrides": LAN}], ids=["proxied", "another host"]
)
def test_elsewhere_the_setting_decides_what_works_without_a_key(
    build: Callable[..., Flask], atlas: Atlas, lan: str, expected: list[int], how: dict[str, Any]
) -> None:
    assert statuses(build(INBOX3D_WEB__LAN=lan).test_client(), atlas, **how) == expected


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "Forwarded",
        "X-Real-IP",
        "Via",
        "X-Internal-Accel",
    ],
)
def test_any_sign_of_a_proxy_ends_the_freedom_of_loopback(client: FlaskClient, header: str) -> None:
    """Also when it claims that the request came from loopback."""
    answer = client.post("/3d/generate", json=PROMPT, headers={header: "127.0.0.1"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (
        401,
        'Bearer realm="inbox3d"',
    )


def test_a_containers_gateway_counts_as_this_host_only_where_it_is_named(
    build: Callable[..., Flask],
) -> None:
    gateway = {"environ_overrides": {"REMOTE_ADDR": "172.18.0.1"}}
    assert build().test_client().post("/3d/generate", json=PROMPT, **gateway).status_code == 401
    assert (
        build(INBOX3D_WEB__GATEWAYS="172.18.0.1")
        .test_client()
        .post("/3d/generate", json=PROMPT, **gateway)
        .status_code
        == 202
    )


def test_each_scope_may_do_its_own_and_what_is_below_it(
    client: FlaskClient, atlas: Atlas, keys: dict[Scope, str]
) -> None:
    found = {
        scope: statuses(client, atlas, headers=FOREIGN | bearer(key)) for scope, key in keys.items()
    }
    assert found == {
        "read": [200, 403, 403, 200],
        "submit": [200, 202, 403, 200],
        "admin": [200, 202, 204, 200],
    }


def test_health_and_the_contract_need_no_key(build: Callable[..., Flask]) -> None:
    client = build(INBOX3D_WEB__LAN="key").test_client()
    assert [
        client.get(path, headers=FOREIGN).status_code
        for path in ("/health", "/openapi.json", "/ready", "/", "/jobs/x")
    ] == [
        200,
        200,
        401,
        401,
        401,
    ]


def test_a_key_that_is_wrong_in_any_part_is_none(
    client: FlaskClient, keys: dict[Scope, str]
) -> None:
    """Not even on loopback, where no key would do: who sends one means it."""
    prefix, id, secret = keys["admin"].split("_", 2)
    for text in (
        f"{prefix}_{id}_",
        f"{prefix}_{id}_{secret}x",
        f"x_{id}_{secret}",
        f"{prefix}__{secret}",
        "",
        "_",
        "i3d",
    ):
        assert Keys(client.application.extensions["inbox3d"].atlas).check(text) is None
    assert client.get("/3d/jobs", headers=bearer(f"{prefix}_{id}_{secret}x")).status_code == 401
    assert (
        client.get("/3d/jobs", headers={"Authorization": f"Basic {keys['admin']}"}).status_code
        == 401
    )


def test_a_key_in_the_address_is_not_looked_at(client: FlaskClient, keys: dict[Scope, str]) -> None:
    """Addresses end up in logs and histories (rule 15)."""
    for name in ("key", "token", "access_token", "api_key"):
        assert (
            client.post(
                f"/3d/generate?{name}={keys['admin']}", json=PROMPT, headers=FOREIGN
            ).status_code
            == 401
        )


def test_a_revoked_key_ends_at_once_in_a_running_process(
    client: FlaskClient, atlas: Atlas, keys: dict[Scope, str]
) -> None:
    assert client.get("/metrics", headers=FOREIGN | bearer(keys["read"])).status_code == 200
    assert Keys(atlas).revoke("reader") is not None
    assert client.get("/metrics", headers=FOREIGN | bearer(keys["read"])).status_code == 401


def test_the_keys_file_holds_no_key_and_is_for_its_owner_only(
    atlas: Atlas, keys: dict[Scope, str]
) -> None:
    text = atlas.keys_file.read_text()
    assert all(key.split("_", 2)[2] not in text for key in keys.values())
    assert stat.S_IMODE(atlas.keys_file.stat().st_mode) == 0o600
    signing_secret(atlas)
    assert stat.S_IMODE(atlas.signing_file.stat().st_mode) == 0o600
    assert len({entry["hash"] for entry in __import__("json").loads(text)["keys"]}) == 3


def test_guessing_is_slowed_down_and_others_are_not(
    client: FlaskClient, keys: dict[Scope, str]
) -> None:
    wrong = [
        client.get("/3d/jobs", headers=bearer("i3d_aaaaaaaa_x"), environ_overrides=LAN).status_code
        for _ in range(12)
    ]
    assert wrong == [401] * 10 + [429] * 2
    assert (
        client.get(
            "/3d/jobs",
            headers=bearer(keys["read"]),
            environ_overrides={"REMOTE_ADDR": "10.0.20.10"},
        ).status_code
        == 200
    )


def test_who_guesses_locks_nobody_out(client: FlaskClient, keys: dict[Scope, str]) -> None:
    """Behind one proxy all come from one address: a right key counts however many wrong ones were tried there."""
    for _ in range(12):
        client.get("/3d/jobs", headers=bearer("i3d_aaaaaaaa_x"), environ_overrides=LAN)
    assert (
        client.get("/3d/jobs", headers=bearer(keys["read"]), environ_overrides=LAN).status_code
        == 200
    )


@pytest.mark.parametrize(
    "sent",
    [{"X-Forwarded-Prefix": "/"}, {"CF-Connecting-IP": "8.8.8.8"}, {"True-Client-IP": "8.8.8.8"}],
)
def test_a_proxy_shows_by_any_of_its_headers(client: FlaskClient, sent: dict[str, str]) -> None:
    assert client.post("/3d/generate", json=PROMPT, headers=sent).status_code == 401


def test_a_proxy_without_headers_shows_by_its_old_protocol(client: FlaskClient) -> None:
    """nginx with nothing but proxy_pass speaks HTTP/1.0; no browser or curl of today does."""
    assert (
        client.post(
            "/3d/generate", json=PROMPT, environ_overrides={"SERVER_PROTOCOL": "HTTP/1.0"}
        ).status_code
        == 401
    )


def test_a_bind_that_others_can_reach_is_refused_while_there_is_no_key(atlas: Atlas) -> None:
    """And a port that is taken is named."""
    with pytest.raises(server.KeyMissing, match=r"0\.0\.0\.0:0 can be reached"):
        server.bind(atlas, "0.0.0.0", 0)
    with pytest.raises(server.KeyMissing):
        server.bind(atlas, "10.0.20.5", 0)
    with (
        server.bind(atlas, "127.0.0.1", 0) as listener,
        pytest.raises(server.PortTaken, match=str(listener.getsockname()[1])),
    ):
        server.bind(atlas, "127.0.0.1", listener.getsockname()[1])


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
    ],
)
def test_a_page_of_another_site_changes_nothing(
    client: FlaskClient, atlas: Atlas, headers: dict[str, str]
) -> None:
    """CSRF against loopback: multipart and text/plain need no preflight, so the origin must be looked at."""
    answers = [
        client.post(
            "/3d/from-scan",
            data={"files": (__import__("io").BytesIO(PLY), "a.ply")},
            headers=headers,
        ),
        client.post(
            "/3d/generate", data='{"prompt": "x"}', content_type="text/plain", headers=headers
        ),
        client.post("/do/prompt", data={"prompt": "x"}, headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert atlas.places(State.INBOX) == []


# -- sessions and tokens -----------------------------------------------------------------------
def token_of(client: FlaskClient, path: str = "/", **how: Any) -> str:
    found = re.search(
        r'name="csrf" (?:value|content)="([^"]+)"',
        client.get(path, headers={"Accept": "text/html"}, **how).text,
    )
    assert found is not None
    return found[1]


def test_a_browsers_form_needs_the_token_of_its_session(client: FlaskClient, atlas: Atlas) -> None:
    """Without it, with another one, with another session's: 403. With it: 303 to the job."""
    other = client.application.test_client()
    token, foreign = token_of(client), token_of(other)
    refused = [
        client.post("/do/prompt", data={"prompt": "x", "csrf": text}, headers=BROWSER).status_code
        for text in ("", "x" * 32, foreign)
    ]
    answer = client.post(
        "/do/prompt", data={"prompt": "a red cube", "csrf": token}, headers=BROWSER
    )
    assert refused == [403, 403, 403] and answer.status_code == 303
    assert answer.headers["Location"] == f"/jobs/{atlas.places(State.INBOX)[0].id}"


def test_a_browsers_call_of_the_api_needs_the_token_too(client: FlaskClient) -> None:
    token = token_of(client)
    assert client.post("/3d/generate", json=PROMPT, headers=BROWSER).status_code == 403
    assert (
        client.post(
            "/3d/generate", json=PROMPT, headers=BROWSER | {"X-CSRF-Token": token}
        ).status_code
        == 202
    )


def test_an_upload_without_the_token_is_refused_before_a_byte_is_kept(
    client: FlaskClient, atlas: Atlas
) -> None:
    import io

    token_of(client)
    answer = client.post("/do/upload", data={"files": (io.BytesIO(PLY), "a.ply")}, headers=BROWSER)
    assert answer.status_code == 403 and list(atlas.drafts.iterdir()) == []


def test_signing_in_opens_what_the_key_opens_and_signing_out_ends_it(
    client: FlaskClient, atlas: Atlas, keys: dict[Scope, str]
) -> None:
    how = {"environ_overrides": LAN}
    token = token_of(client, "/sign-in", **how)
    wrong = client.post("/sign-in", data={"csrf": token, "key": "i3d_x_y"}, headers=BROWSER, **how)
    right = client.post(
        "/sign-in",
        data={"csrf": token, "key": keys["submit"], "next": "/done"},
        headers=BROWSER,
        **how,
    )
    assert (wrong.status_code, right.status_code, right.headers["Location"]) == (401, 303, "/done")
    cookie = right.headers["Set-Cookie"]
    assert (
        "HttpOnly" in cookie
        and "SameSite=Strict" in cookie
        and keys["submit"].split("_", 2)[2] not in cookie
    )
    fresh = token_of(client, **how)
    assert (
        client.post(
            "/do/prompt", data={"prompt": "x", "csrf": fresh}, headers=BROWSER, **how
        ).status_code
        == 303
    )
    assert (
        client.delete(
            f"/3d/jobs/{forge(atlas, State.DONE).id}",
            headers=BROWSER | {"X-CSRF-Token": fresh},
            **how,
        ).status_code
        == 403
    )
    client.post("/sign-out", data={"csrf": fresh}, headers=BROWSER, **how)
    assert (
        client.post(
            "/do/prompt",
            data={"prompt": "x", "csrf": token_of(client, "/sign-in", **how)},
            headers=BROWSER,
            **how,
        ).status_code
        == 401
    )


def test_a_revoked_keys_session_ends_with_it(
    client: FlaskClient, atlas: Atlas, keys: dict[Scope, str]
) -> None:
    how = {"environ_overrides": LAN}
    client.post(
        "/sign-in",
        data={"csrf": token_of(client, "/sign-in", **how), "key": keys["admin"]},
        headers=BROWSER,
        **how,
    )
    assert client.get("/metrics", **how).status_code == 200
    Keys(atlas).revoke("adminer")
    assert client.get("/metrics", **how).status_code == 401


def test_a_cookie_that_was_changed_in_any_part_is_none(
    client: FlaskClient, web: Web, atlas: Atlas, keys: dict[Scope, str]
) -> None:
    """Another key's id, a later expiry, another session: the signature covers them all."""
    reader, admin = (
        next(key for key in Keys(atlas).all() if key.scope == scope) for scope in ("read", "admin")
    )
    good = web.access.sessions.cookie("session", reader)
    session, id, expiry, signature = good.split(".")
    forged = [
        f"{session}.{admin.id}.{expiry}.{signature}",
        f"{session}.{id}.{int(expiry) + 1}.{signature}",
        f"x.{id}.{expiry}.{signature}",
        f"{session}.{id}.1.{signature}",
    ]
    found = []
    for cookie in (good, *forged, "", "....", "a.b.c.d"):
        client.set_cookie("inbox3d", cookie)
        found.append(client.get("/metrics", environ_overrides=LAN).status_code)
    assert found == [200] + [401] * 7


@pytest.mark.parametrize(
    "next_",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\n/evil",
    ],
)
def test_signing_in_leads_nowhere_else(
    client: FlaskClient, keys: dict[Scope, str], next_: str
) -> None:
    """No open redirect."""
    answer = client.post(
        "/sign-in",
        data={"csrf": token_of(client, "/sign-in"), "key": keys["read"], "next": next_},
        headers=BROWSER,
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_signing_in_leads_where_one_wanted_to_go_also_after_a_wrong_key(
    client: FlaskClient, keys: dict[Scope, str]
) -> None:
    """With the query of a search; the links of the pages lead back to where they stand."""
    how: dict[str, Any] = {"environ_overrides": LAN}
    linked = client.get("/done?q=vase&kind=scan", headers=BROWSER, **how).text
    assert "/sign-in?next=/done%3Fq%3Dvase%26kind%3Dscan" in linked
    wanted = "/done?q=vase&kind=scan"
    token = token_of(client, "/sign-in", **how)
    said = {"csrf": token, "key": "i3d_x_y", "next": wanted}
    wrong = client.post("/sign-in", data=said, headers=BROWSER, **how)
    assert wrong.status_code == 401 and f'value="{escape(wanted)}"' in wrong.text
    right = client.post("/sign-in", data=said | {"key": keys["read"]}, headers=BROWSER, **how)
    assert right.headers["Location"] == wanted


def test_a_browser_without_a_key_gets_the_sign_in_page(build: Callable[..., Flask]) -> None:
    client = build(INBOX3D_WEB__LAN="key").test_client()
    answer = client.get("/done", headers=FOREIGN | {"Accept": "text/html,*/*"})
    assert (
        answer.status_code == 401 and 'name="key"' in answer.text and 'value="/done"' in answer.text
    )
